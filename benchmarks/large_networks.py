"""Text and images of the demo: steps and samples, against plain loops of the same mathematics.

The plain loops share network, loss and noise with ours. They have neither Lightning nor random
numbers that depend on seed, step and place alone, and call the network with all samples at once.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.contest import Contest, Side
from benchmarks.gpu_case import CONFIG, MODELS
from pipeline.base.labels import ONLINE, Cell
from pipeline.base.randomness import stream_key
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES
from pipeline.image.sampler import batch_size, build_sampler
from pipeline.networks.network import Network
from pipeline.noise.gaussian import GaussianNoise
from pipeline.noise.losses import LOSSES
from pipeline.sampling.generate import generate
from pipeline.training.batches import Batches
from pipeline.training.module import Denoising
from pipeline.training.settings import Optimised
from pipeline.training.stopping import Stopping
from pipeline.training.train import build_trainer

_STRINGS = 1024
_STEPS = {"text": 40, "image": 20}
"""Steps of a round."""
_IMAGES = 64
_BOUND = "nine tenths of either are passes through the network, the same on both sides"

warnings.filterwarnings("ignore", module="lightning")


class Case:
    """The demo's network of a domain, its noise, and training data of random tokens."""

    def __init__(self, domain: str) -> None:
        presets = CONFIG.parent / "workflow/presets"
        self.section = load_config(CONFIG, presets, {"preset": "demo"}).domain(domain)
        place = Cell("demo", ONLINE, "d0n0")
        self.settings: Optimised = SLICES[domain]["train"](self.section, place)
        self.model = MODELS[domain]
        self.noise = self.model.build_noise(self.settings)
        self.network: Network = self.model.build_network(self.settings)
        self.optimizer, self.schedule = self.model.build_optimizer(self.network, self.settings)
        length = 3 * self.settings.size**2 if domain == "image" else self.settings.context
        shape = 1, _STRINGS, length
        random = np.random.default_rng(0)
        self.strings = random.integers(0, self.noise.symbols, shape, dtype=np.uint8)
        self.loss = LOSSES[self.settings.training.loss]

    def under_lightning(self, steps: int) -> None:
        """Steps as the pipeline makes them."""
        training = self.settings.training
        parts = self.network, self.noise, self.loss, self.optimizer, self.schedule
        clip = training.largest_gradient
        module = Denoising(*parts, learning_rate=1.0, parts=1, gradient_clip=clip)
        keys, spread = self.model.replica_keys(self.settings), training.low_discrepancy
        options = training.batch_size, 1, self.noise.times, True, spread
        batches = Batches(self.strings, keys, *options, first_step=0)
        loader = DataLoader(batches, batch_size=None)
        build_trainer(steps, [Stopping()]).fit(module, loader)

    def plainly(self, steps: int) -> None:
        """The same steps in a loop, with the random numbers of PyTorch."""
        training = self.settings.training
        size, strings = training.batch_size, torch.from_numpy(self.strings).long()
        for _ in range(steps):
            x0 = strings[:, torch.randint(_STRINGS, (size,))]
            t = torch.from_numpy(self.noise.times(torch.rand(1, size).numpy()))
            xt = self.noise.corrupt(x0, t, torch.rand(*x0.shape, 2, dtype=torch.float64))
            self.optimizer.zero_grad()
            self.loss(self.noise, self.network(xt, t), x0, xt, t).mean().backward()
            if training.largest_gradient is not None:
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), training.largest_gradient)
            self.optimizer.step()


def ours(case: Case) -> np.ndarray:
    """Images as the pipeline draws them, a few at a time."""
    draw_strings = build_sampler(case.section.sampling, case.settings, case.network)
    batch = batch_size(case.settings, torch.device("cpu"))
    length, key = case.strings.shape[2], stream_key("images")
    return generate(draw_strings, [key], _IMAGES, length, torch.device("cpu"), batch)


def plain_images(network: Network, noise: GaussianNoise, shape: tuple[int, ...]) -> Tensor:
    """Ancestral steps on all images at once."""
    images = torch.randn(shape, dtype=torch.float64)
    for level in range(noise.levels, 0, -1):
        t = torch.full(shape[:2], level)
        outputs = network(images.float(), noise.original_levels[t])
        images, log_variance = noise.reverse(outputs, images, t, clip=True)
        if level > 1:
            images += (0.5 * log_variance).exp() * torch.randn(shape, dtype=torch.float64)
    return ((images + 1) * 127.5).round().clamp(0, 255).long()


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    for domain, steps in _STEPS.items():
        case = Case(domain)
        yield Contest(
            f"a training step of the demo's {domain}",
            Side("under Lightning", lambda case=case, steps=steps: case.under_lightning(steps)),
            Side("plain loop", lambda case=case, steps=steps: case.plainly(steps)),
            steps,
            "steps",
            1.5,
            _BOUND,
        )
    case = Case("image")
    noise = case.noise.respaced(case.section.sampling.steps)
    shape = 1, _IMAGES, case.strings.shape[2]

    def all_at_once() -> Tensor:
        with torch.inference_mode():
            return plain_images(case.network.eval(), noise, shape)

    def a_few() -> np.ndarray:
        with torch.inference_mode():
            return ours(case)

    yield Contest(
        f"sampling images of the demo, {case.section.sampling.steps} steps",
        Side("a few at a time", a_few),
        Side("plain loop, all at once", all_at_once),
        _IMAGES,
        "images",
        1.5,
        _BOUND,
    )
