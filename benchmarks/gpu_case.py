"""What a GPU is measured with: networks, noise and batches of the paper's config, at any size.

`config.yaml` is read as it stands, so that a machine needs nothing but what networks need.
"""

import json
import time
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
import yaml
from lightning import Callback
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from pipeline.base.device import choose_device
from pipeline.image import model as image
from pipeline.image import sampler as image_sampler
from pipeline.noise.losses import LOSSES
from pipeline.rhm import model as rhm
from pipeline.rhm import sampler as rhm_sampler
from pipeline.text import model as text
from pipeline.text import sampler as text_sampler
from pipeline.training.batches import Batches
from pipeline.training.captured import CapturedGradients
from pipeline.training.module import Denoising
from pipeline.training.settings import Optimised
from pipeline.training.stopping import Stopping
from pipeline.training.train import build_trainer

CONFIG = Path(__file__).parents[1] / "config.yaml"
MODELS: dict[str, ModuleType] = {"rhm": rhm, "text": text, "image": image}
SAMPLERS: dict[str, ModuleType] = {
    "rhm": rhm_sampler,
    "text": text_sampler,
    "image": image_sampler,
}
WAYS = ("eager", "graph", "compiled graph", "reduce-overhead")
"""How a step is computed: call by call; as a CUDA graph; that of compiled losses, as training does
with `compile`; or only the network compiled, by PyTorch's own mode with graphs."""
_GPT2_SYMBOLS = 50_257
_MOST_STRINGS = 4096

warnings.filterwarnings("ignore", module="lightning")


def paper_settings(domain: str, replicas: int = 1, **changes: object) -> Optimised:
    """Settings of the `train` stage as the paper's config has them.

    Args:
        domain: rhm, text or image.
        replicas: that train together.
        changes: what is other than there: dicts are merged into the section of that name.
    """
    config = yaml.safe_load(CONFIG.read_text())["domains"][domain]
    settings = {name: config[name] for name in ("noise", "network", "training") if name in config}
    of_grammars = domain == "rhm"
    settings["cell"] = {
        "setting": {"v": 16, "m": 4, "s": 2, "L": 3} if of_grammars else {"setting": "paper"},
        "dataset_size": "online",
        "replicas": [[replica if of_grammars else None, 0, 0] for replica in range(replicas)],
    }
    if domain == "text":
        settings |= {"symbols": _GPT2_SYMBOLS, "context": config["data"]["context"]}
    if domain == "image":
        settings["size"] = config["data"]["size"]
    for name, value in changes.items():
        settings[name] = {**settings[name], **value} if isinstance(value, dict) else value
    kind = MODELS[domain].TRAINED
    counted = kind.model_fields["training"].annotation.model_fields
    settings["training"] = {k: v for k, v in settings["training"].items() if k in counted}
    return kind.model_validate_json(json.dumps(settings))


class GpuCase:
    """A training on random strings, on whatever device there is.

    Args:
        domain: rhm, text or image.
        settings: of the `train` stage.
        way: of `WAYS`.
        parts: that a batch is cut into.

    Attributes:
        network: none before `build`.
        note: what else there is to say once steps were timed.
    """

    def __init__(
        self, domain: str, settings: Optimised, way: str = "eager", parts: int = 1
    ) -> None:
        self.domain, self.settings, self.model = domain, settings, MODELS[domain]
        self.noise, self.network = self.model.build_noise(settings), None
        self.way, self.parts, self.batch_size = way, parts, settings.training.batch_size
        self.note = ""

    def build(self) -> None:
        """Draw the weights."""
        self.network = self.model.build_network(self.settings)

    @property
    def weights(self) -> int:
        """How many there are, of all replicas."""
        return sum(weight.numel() for weight in self.network.parameters())

    def length(self) -> int:
        """Tokens of a string."""
        return SAMPLERS[self.domain].string_length(self.settings)

    def step_seconds(self, warm: int, steps: int, rounds: int) -> list[float]:
        """Seconds of a step under Lightning, round by round, after some that do not count."""
        clock = _Clock(warm, steps)
        loader = DataLoader(self._batches(), batch_size=None)
        callbacks = [clock, Stopping()]
        module = self._module()
        build_trainer(warm + rounds * steps, callbacks).fit(module, loader)
        if "graph" in self.way and module._captured is None:
            self.note = "; could not be captured: measured call by call"
        return clock.seconds

    def flops(self) -> float:
        """Floating-point operations of products in a step: those of one string, times the batch."""
        network = self.network.to(choose_device())
        _, *batch = self._batches().batch(0)
        x0, t, draws = (tensor[:, :1] for tensor in batch)
        with FlopCounterMode(display=False) as counted:
            xt = self.noise.corrupt(x0, t, draws)
            network(xt, t).sum().backward()
        network.zero_grad()
        return self.batch_size * float(counted.get_total_flops())

    def _module(self) -> Denoising:
        training = self.settings.training
        optimizer, schedule = self.model.build_optimizer(self.network, self.settings)
        kind = _Graph if self.way == "graph" else Denoising
        if self.way == "reduce-overhead":
            self.network.compile(mode="reduce-overhead")
        clip, captured = training.largest_gradient, "graph" in self.way
        loss = LOSSES[training.loss]
        return kind(
            self.network, self.noise, loss, optimizer, schedule, 1.0, self.parts, clip, captured
        )

    def _batches(self) -> Batches:
        replicas = len(self.settings.cell.replicas)
        count = max(self.batch_size, min(_MOST_STRINGS, 2**24 // self.length()))
        shape = replicas, count, self.length()
        strings = np.random.default_rng(0).integers(0, self.noise.symbols, shape, dtype=np.uint16)
        keys, training = self.model.replica_keys(self.settings), self.settings.training
        options = self.batch_size, 1, self.noise.times, True, training.low_discrepancy
        return Batches(strings, keys, *options, first_step=0, device=choose_device())


class _Graph(Denoising):
    """A step as a CUDA graph of the losses as they are written."""

    def _captured_gradients(self, example: list[Tensor]) -> CapturedGradients:
        return CapturedGradients(self._losses, self.network.parameters(), example)


class _Clock(Callback):
    """Looks at the clock every so many steps, when the device has done them."""

    def __init__(self, warm: int, steps: int) -> None:
        self.seconds: list[float] = []
        self._left, self._steps, self._start = warm, steps, 0.0

    def on_train_batch_end(self, *_: object) -> None:
        """Count a step."""
        self._left -= 1
        if self._left > 0:
            return
        synchronize()
        now = time.perf_counter()
        if self._start:
            self.seconds.append((now - self._start) / self._steps)
        self._left, self._start = self._steps, now


def synchronize() -> None:
    """Wait until the GPU, if there is one, has done what it was told to."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
