"""Small networks of every kind with their noise and loss, and what they are compared with.

The reference of all is the CPU in float32, one string at a time. So the same comparison on a CPU
shows that no string of a batch changes another's results, and that the reference is none's copy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.base.device_randomness import uniforms_on
from pipeline.image import model as image
from pipeline.networks.network import Network
from pipeline.networks.settings import StringNetwork
from pipeline.noise.losses import LOSSES
from pipeline.rhm import model as rhm
from pipeline.text import model as text
from pipeline.training.module import Denoising
from pipeline.training.settings import Optimised
from tests.unit import image_training_case, text_training_case, training_case
from tests.unit.settings_case import settings_of

CPU = torch.device("cpu")
STRINGS = 6
REPLICAS = [[0, 0, 0], [1, 0, 0], [1, 0, 1]]
OUTPUTS = {"float32": 1e-5, "tf32": 3e-3, "bfloat16": 3e-2}
"""Largest error of outputs, relative to their norm. Sums in another order change float32 by some of
its units of 1e-7; TF32 rounds what is multiplied to 11 bits, 5e-4, bfloat16 also what is added up
to 8 bits, 4e-3; and there are about ten layers. A CPU's errors in bfloat16 were up to 1.1e-2."""
GRADIENTS = {"float32": 1e-4, "tf32": 1e-2, "bfloat16": 6e-2}
"""Likewise of gradients: a backward pass is twice as deep, and ends in products of the errors."""
LOSS = {"float32": 1e-5, "tf32": 3e-3, "bfloat16": 1e-2}
"""Likewise of losses."""


@dataclass(frozen=True)
class Case:
    """Settings of training, and what they are of.

    Attributes:
        model: the domain's part.
        settings: of the `train` stage.
        shape: replicas and tokens.
        precision: of products on a GPU: of `OUTPUTS`.
    """

    model: ModuleType
    settings: Optimised
    shape: tuple[int, int]
    precision: str = "tf32"

    def network(self, precision: str | None = None) -> Network:
        """It, with all weights moved, as some start at zero."""
        settings = self.settings
        if precision is not None and isinstance(settings.network, StringNetwork):
            network = StringNetwork.of(settings.network, precision=precision)
            settings = type(settings).of(settings, network=network)
        network, generator = self.model.build_network(settings), torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.1)
        return network

    def batch(self, device: torch.device) -> list[Tensor]:
        """Clean tokens [R, B, d], levels [R, B] and uniforms [R, B, d, 2], always the same."""
        replicas, length = self.shape
        noise, random = self.noise, np.random.default_rng(0)
        tokens = random.integers(0, noise.symbols, (replicas, STRINGS, length))
        levels = noise.times(random.random((replicas, STRINGS)))
        place = (np.arange(n).reshape(-1, *[1] * (3 - i)) for i, n in enumerate(tokens.shape))
        draws = uniforms_on(device, 7, *place, np.arange(2))
        return [torch.from_numpy(tokens).to(device), torch.from_numpy(levels).to(device), draws]

    @property
    def noise(self) -> Any:
        return self.model.build_noise(self.settings)

    def training(self, network: Network, **changes: Any) -> Denoising:
        """The module that trains it."""
        optimizer, schedule = self.model.build_optimizer(network, self.settings)
        loss = LOSSES[self.settings.training.loss]
        return Denoising(network, self.noise, loss, optimizer, schedule, 1.0, 1, None, **changes)


@dataclass
class Results:
    """What a network gives: outputs [R, B, d, k], mean losses [R], gradients by weights' names."""

    outputs: Tensor
    losses: Tensor
    gradients: dict[str, Tensor] = field(default_factory=dict)


def _strings(precision: str, **changes: dict[str, Any]) -> Case:
    """Grammars; sections of the settings are updated by those of the changes."""
    settings = training_case.train_spec(REPLICAS).settings.plain()
    settings["cell"]["setting"] = {"v": 6, "m": 3, "s": 2, "L": 3}
    sections = {name: {**settings[name], **section} for name, section in changes.items()}
    settings |= sections
    of_network = "bfloat16" if precision == "bfloat16" else "tf32"
    settings["network"] = {**settings["network"], "width": 64, "precision": of_network}
    typed = settings_of("train", "rhm", settings)
    return Case(rhm, typed, (len(REPLICAS), 8), precision)


_RELEASED: dict[str, dict[str, Any]] = {
    "noise": {"mixture": "d3pm"},
    "network": {"architecture": "normed_unet", "noise_input": "contrast"},
    "training": {
        "loss": "step_divergence",
        "optimizer": {"kind": "adam", "beta1": 0.9, "beta2": 0.999},
    },
}
_ABSORBING: dict[str, dict[str, Any]] = {
    "noise": {"process": "absorbing"},
    "network": {"architecture": "normed_unet", "noise_input": "none"},
}
_TEXT = text_training_case.TRAIN
_TEXT = {**_TEXT, "network": {**_TEXT["network"], "layers": 2, "width": 64}}
CASES = {
    **{f"plain_unet_{name}": _strings(name) for name in OUTPUTS},
    **{f"normed_unet_{name}": _strings(name, **_RELEASED) for name in OUTPUTS},
    "normed_unet_absorbing": _strings("tf32", **_ABSORBING),
    "transformer": Case(text, settings_of("train", "text", _TEXT), (1, 12), "bfloat16"),
    "unet2d": Case(
        image, settings_of("train", "image", image_training_case.TRAIN), (1, 48), "bfloat16"
    ),
}


@contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Have float32 products use TF32, as `choose_device` has it, or not."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "float32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        torch.backends.cudnn.allow_tf32 = True


def results(case: Case, device: torch.device) -> Results:
    """Of a whole batch, on a device."""
    network = case.network().to(device)
    with products_in(case.precision):
        return _results(case, network, case.batch(device))


def reference(case: Case) -> Results:
    """Of the same strings one at a time, in float32 on the CPU."""
    network, batch = case.network("tf32"), case.batch(CPU)
    alone = [
        _results(case, network, [tensor[:, i : i + 1] for tensor in batch]) for i in range(STRINGS)
    ]
    gradients = {
        name: torch.stack([found.gradients[name] for found in alone]).mean(dim=0)
        for name in alone[0].gradients
    }
    outputs = torch.cat([found.outputs for found in alone], dim=1)
    return Results(outputs, torch.stack([found.losses for found in alone]).mean(dim=0), gradients)


def _results(case: Case, network: Network, batch: list[Tensor]) -> Results:
    tokens, levels, draws = batch
    corrupted = case.noise.corrupt(tokens, levels, draws)
    outputs = network(corrupted, levels)
    losses = LOSSES[case.settings.training.loss](
        case.noise, outputs, tokens, corrupted, levels
    ).mean(dim=1)
    network.zero_grad()
    losses.sum().backward()
    gradients = {name: weight.grad.clone() for name, weight in network.named_parameters()}
    return Results(outputs.detach(), losses.detach(), gradients)


def error(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference, relative to that of what is expected; NaN if anything is."""
    found, expected = found.detach().cpu().double(), expected.detach().cpu().double()
    return float((found - expected).norm() / expected.norm())


def joined(tensors: dict[str, Tensor]) -> Tensor:
    """All numbers in a row."""
    return torch.cat([tensor.detach().cpu().double().flatten() for tensor in tensors.values()])
