"""The paper's convolutional U-Net for strings, as an ensemble of independent replicas.

L blocks down and L up with filter size and stride s: one level of the tree each. Filters do not
overlap, so they are linear maps of patches. Skip connections concatenate. The noise level enters
every block as a linear function of cos(pi k t / T); k = 0 makes it a bias. That function starts at
zero and learns slowly: at unit scale it drowns the one-hot input at first, and unsettles training
later (measured: at equal steps, level-3 accuracy 0.41 instead of 0.22).
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, one_hot

from pipeline.networks.ensemble_linear import EnsembleLinear

_NOISE_FEATURES = 16


class UNet1d(nn.Module):
    """Predicts clean tokens from corrupted ones: `logits = network(x_t, t)`.

    Args:
        seeds: one per replica; weights of a replica depend on its own seed only.
        input_symbols: number of symbols in x_t, the mask included if there is one.
        symbols: number of symbols to predict, v.
        branching: filter size and stride, s.
        depth: number of blocks down and up, L.
        width: channels of every block.
        levels: number of noise levels T.
        noise_conditioning: whether the blocks see t.
        precision: of products and activations, "tf32" or "bfloat16"; weights are float32.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        input_symbols: int,
        symbols: int,
        branching: int,
        depth: int,
        width: int,
        levels: int,
        noise_conditioning: bool,
        precision: str = "tf32",
    ) -> None:
        super().__init__()
        self.width = width
        self._input_symbols, self._branching, self._levels = input_symbols, branching, levels
        self._bfloat16 = precision == "bfloat16"
        features = _NOISE_FEATURES if noise_conditioning else 1
        self.register_buffer("_frequencies", math.pi * torch.arange(features), persistent=False)

        def linear(name: str, inputs: int, outputs: int) -> EnsembleLinear:
            return EnsembleLinear(seeds, name, inputs, outputs, inputs**-0.5)

        def condition(name: str) -> EnsembleLinear:
            layer = EnsembleLinear(seeds, name, features, width, 1 / _NOISE_FEATURES)
            nn.init.zeros_(layer.weight)
            return layer

        below = [input_symbols] + [width] * (depth - 1)
        self.down = nn.ModuleList(
            linear(f"down{level}", branching * below[level], width) for level in range(depth)
        )
        above = [2 * width] * (depth - 1) + [width]
        self.up = nn.ModuleList(
            linear(f"up{level}", above[level], branching * width) for level in range(depth)
        )
        self.down_noise = nn.ModuleList(condition(f"down_noise{level}") for level in range(depth))
        self.up_noise = nn.ModuleList(condition(f"up_noise{level}") for level in range(depth))
        self.readout = EnsembleLinear(seeds, "readout", width, symbols, 1 / width)
        self.skip_readout = EnsembleLinear(
            seeds, "skip_readout", input_symbols, symbols, width**-0.5
        )

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits [R, B, d, v] of clean tokens, from x_t int64 [R, B, d] and t int64 [R, B]."""
        with torch.autocast(xt.device.type, torch.bfloat16, enabled=self._bfloat16):
            for _, h in self.activations(xt, t):
                last = h
            logits = self.readout(last) + self.skip_readout(self._one_hot(xt))
        return logits.float()

    def activations(self, xt: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Outputs of the blocks in order, each with the name of its block.

        `down1`..`downL` have one position for every node of their level, [R, B, s**(L - l), width];
        `upL`..`up1` one for every child of such a node, [R, B, s**(L - l + 1), width].
        """
        noise = torch.cos(self._frequencies * (t / self._levels).unsqueeze(-1).float())
        skips, h = [], self._one_hot(xt)
        for level, (block, condition) in enumerate(zip(self.down, self.down_noise, strict=True)):
            skips.append(h)
            patches = h.reshape(*h.shape[:2], h.shape[2] // self._branching, -1)
            h = gelu(block(patches) + condition(noise).unsqueeze(2))
            yield f"down{level + 1}", h
        for level in reversed(range(len(self.up))):
            u = self.up[level](h).reshape(*h.shape[:2], h.shape[2] * self._branching, -1)
            u = gelu(u + self.up_noise[level](noise).unsqueeze(2))
            yield f"up{level + 1}", u
            h = torch.cat([u, skips[level]], dim=-1) if level > 0 else u

    def _one_hot(self, xt: Tensor) -> Tensor:
        return one_hot(xt, self._input_symbols).to(self._frequencies.dtype)
