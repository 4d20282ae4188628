"""A convolutional U-Net for strings without normalisation, as an ensemble of replicas.

L blocks down and L up with filter size and stride s: one level of the tree each. Filters do not
overlap, so they are linear maps of patches. Skip connections concatenate, and the readout sees the
tokens' input too. It is this project's own reading of the paper; `normed_unet1d` has that of the
released code. Every block has a bias, or a linear function of the noise level (see `Conditions`).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from pipeline.networks.conditions import Conditions
from pipeline.networks.ensemble_linear import EnsembleLinear
from pipeline.networks.network import Network
from pipeline.networks.token_inputs import TokenInput


class UNet1d(Network):
    """Predicts clean tokens from corrupted ones: `logits = network(x_t, t)`.

    Args:
        seeds: one per replica; weights of a replica depend on its own seed only.
        tokens: what of x_t and t is put in, see `token_inputs`.
        symbols: number of symbols to predict, v.
        branching: filter size and stride, s.
        depth: number of blocks down and up, L.
        width: channels of every block.
        levels: number of noise levels T.
        cosines: whether the blocks see cosines of t.
        precision: of products and activations, "tf32" or "bfloat16"; weights are float32.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        tokens: TokenInput,
        symbols: int,
        branching: int,
        depth: int,
        width: int,
        levels: int,
        cosines: bool,
        precision: str = "tf32",
    ) -> None:
        super().__init__()
        self.width, self._branching = width, branching
        self._tokens, self._bfloat16 = tokens, precision == "bfloat16"

        def linear(name: str, inputs: int, outputs: int) -> EnsembleLinear:
            return EnsembleLinear(seeds, name, inputs, outputs, inputs**-0.5)

        below = [tokens.channels] + [width] * (depth - 1)
        self.down = nn.ModuleList(
            linear(f"down{level}", branching * below[level], width) for level in range(depth)
        )
        above = [2 * width] * (depth - 1) + [width]
        self.up = nn.ModuleList(
            linear(f"up{level}", above[level], branching * width) for level in range(depth)
        )
        self.conditions = Conditions(seeds, depth, width, levels, cosines)
        self.readout = EnsembleLinear(seeds, "readout", width, symbols, 1 / width)
        self.skip_readout = EnsembleLinear(
            seeds, "skip_readout", tokens.channels, symbols, width**-0.5
        )

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits [R, B, d, v] of clean tokens, from x_t int64 [R, B, d] and t int64 [R, B]."""
        with torch.autocast(xt.device.type, torch.bfloat16, enabled=self._bfloat16):
            tokens = self._tokens(xt, t)
            for _, h in self._blocks(tokens, t):
                last = h
            logits = self.readout(last) + self.skip_readout(tokens)
        return logits.float()

    def activations(self, xt: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Outputs of the blocks in order, each with the name of its block.

        `down1`..`downL` have one position for every node of their level, [R, B, s**(L - l), width];
        `upL`..`up1` one for every child of such a node, [R, B, s**(L - l + 1), width].
        """
        return self._blocks(self._tokens(xt, t), t)

    def _blocks(self, tokens: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        conditions = self.conditions(t)
        skips, h = [], tokens
        for level, block in enumerate(self.down):
            skips.append(h)
            patches = h.reshape(*h.shape[:2], h.shape[2] // self._branching, -1)
            h = gelu(block(patches) + conditions[level])
            yield f"down{level + 1}", h
        for level in reversed(range(len(self.up))):
            u = self.up[level](h).reshape(*h.shape[:2], h.shape[2] * self._branching, -1)
            u = gelu(u + conditions[-1 - level])
            yield f"up{level + 1}", u
            h = torch.cat([u, skips[level]], dim=-1) if level > 0 else u
