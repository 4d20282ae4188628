"""Training of the RHM's U-Net on random strings: under Lightning, and in a bare loop."""

import warnings
from collections.abc import Callable
from itertools import islice

import numpy as np
import torch
from torch.utils.data import DataLoader

from pipeline.networks.token_inputs import OneHot
from pipeline.networks.unet1d import UNet1d
from pipeline.noise.losses import LOSSES
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.training.batches import Batches
from pipeline.training.module import Denoising
from pipeline.training.optimizers import sgd
from pipeline.training.stopping import Stopping
from pipeline.training.train import build_trainer

V, S, BATCH, LEVELS = 16, 2, 32, 1000
SCHEDULE = alpha_bar("linear_alpha_bar", LEVELS)

warnings.filterwarnings("ignore", module="lightning")


class Case:
    """An ensemble, its noise, and its batches.

    Args:
        width: channels of the network.
        replicas: size of the ensemble.
        depth: L, blocks down and up.
        strings: training strings of each replica, P.
        compiled: whether losses are compiled in the first step under Lightning.
    """

    def __init__(
        self,
        width: int,
        replicas: int = 1,
        depth: int = 3,
        strings: int = 4096,
        compiled: bool = False,
    ) -> None:
        shape = replicas, strings, S**depth
        self.strings = np.random.default_rng(0).integers(0, V, shape, dtype=np.uint8)
        self.noise, self.replicas = UniformNoise(V, SCHEDULE), replicas
        self.network = UNet1d(range(replicas), OneHot(V), V, S, depth, width, LEVELS, True)
        self.optimizer, self.loss = sgd(self.network, 0.1, 0.9), LOSSES["cross_entropy"]
        parts = self.network, self.noise, self.loss, self.optimizer, lambda _: 1.0
        self.module = Denoising(*parts, 1.0, 1, gradient_clip=None, compile_losses=compiled)

    def under_lightning(self, steps: int) -> None:
        """Steps as the pipeline makes them."""
        loader = DataLoader(self._batches(), batch_size=None)
        build_trainer(steps, [Stopping()]).fit(self.module, loader)

    def bare(self, steps: int) -> None:
        """The same steps without Lightning."""
        for _, x0, t, uniforms in islice(self._batches(), steps):
            xt = self.noise.corrupt(x0, t, uniforms)
            losses = self.loss(self.noise, self.network(xt, t), x0, xt, t).mean(dim=1)
            self.optimizer.zero_grad()
            losses.sum().backward()
            self.optimizer.step()

    def products(self) -> Callable[[], None]:
        """The products of a step alone, forwards and backwards, into memory that is there."""
        calls = []
        for x, weight in _operands(self.network):
            y, dx, dw = x @ weight, torch.empty_like(x), torch.empty_like(weight)
            calls += [(x, weight, y), (x.mT, y, dw), (y, weight.mT, dx)]
        del calls[2]  # nothing is before the first block

        def multiply() -> None:
            for a, b, out in calls:
                torch.bmm(a, b, out=out)

        return multiply

    def _batches(self) -> Batches:
        keys = list(range(self.replicas))
        times = self.noise.times
        return Batches(self.strings, keys, BATCH, 1, times, True, False, first_step=0)


def _operands(network: UNet1d) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs, of the shapes that a batch gives them, and weights of the blocks' products."""
    blocks = dict(zip([f"down{i}" for i in range(len(network.down))], network.down, strict=True))
    rows = {name: BATCH * S ** (len(network.down) - 1 - i) for i, name in enumerate(blocks)}
    for i, block in enumerate(network.up):
        blocks[f"up{i}"], rows[f"up{i}"] = block, BATCH * S ** (len(network.up) - 1 - i)
    weights = {name: block.weight.detach() for name, block in blocks.items()}
    return [(torch.randn(w.shape[0], rows[n], w.shape[1]), w) for n, w in weights.items()]
