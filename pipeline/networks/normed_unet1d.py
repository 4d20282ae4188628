"""The U-Net of the paper's released code, as an ensemble of independent replicas.

An embedding maps each token to `width` channels. L blocks lead down and L up, with filter size and
stride s, so that each is one level of the tree, and with a LayerNorm over channels. Skip
connections concatenate: the first block up sees the deepest output twice. A readout sees the last
block and the embedding. There are no biases but those of the LayerNorms. Filters are standard
normal, and divided by the square root of s x inputs (also those upwards, which add up inputs only);
the readout is divided by its inputs.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm

from pipeline.networks.conditions import Conditions
from pipeline.networks.ensemble_linear import EnsembleLinear
from pipeline.networks.network import Network
from pipeline.networks.token_inputs import TokenInput


class NormedUNet1d(Network):
    """Predicts clean tokens from corrupted ones: `logits = network(x_t, t)`.

    Arguments are those of `UNet1d`. With cosines, they are added ahead of the LayerNorms; the
    released code has none.
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

        def linear(name: str, inputs: int, outputs: int, filter_size: int) -> EnsembleLinear:
            return EnsembleLinear(seeds, name, inputs, outputs, (filter_size * inputs) ** -0.5)

        self.embedding = linear("embedding", tokens.channels, width, 1)
        blocks = range(depth)
        self.down = nn.ModuleList(linear(f"down{i}", branching * width, width, 1) for i in blocks)
        self.up = nn.ModuleList(
            linear(f"up{i}", 2 * width, branching * width, branching) for i in blocks
        )
        self.down_norm = nn.ModuleList(_LayerNorm(len(seeds), width) for _ in blocks)
        self.up_norm = nn.ModuleList(_LayerNorm(len(seeds), width) for _ in blocks)
        self.conditions = Conditions(seeds, depth, width, levels, cosines) if cosines else None
        self.readout = EnsembleLinear(seeds, "readout", 2 * width, symbols, 1 / (2 * width))

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits [R, B, d, v] of clean tokens, from x_t int64 [R, B, d] and t int64 [R, B]."""
        with torch.autocast(xt.device.type, torch.bfloat16, enabled=self._bfloat16):
            embedded = self._embed(xt, t)
            for _, h in self._blocks(embedded, t):
                last = h
            logits = self.readout(torch.cat([last, embedded], dim=-1))
        return logits.float()

    def activations(self, xt: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Outputs of the blocks as `UNet1d.activations` has them."""
        return self._blocks(self._embed(xt, t), t)

    def _embed(self, xt: Tensor, t: Tensor) -> Tensor:
        return gelu(self.embedding(self._tokens(xt, t)))

    def _blocks(self, embedded: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        conditions = self.conditions(t) if self.conditions is not None else None
        skips, h = [], embedded
        for level, (block, norm) in enumerate(zip(self.down, self.down_norm, strict=True)):
            patches = h.reshape(*h.shape[:2], h.shape[2] // self._branching, -1)
            h = block(patches)
            if conditions is not None:
                h = h + conditions[level]
            h = gelu(norm(h))
            yield f"down{level + 1}", h
            skips.append(h)
        for level in reversed(range(len(self.up))):
            h = self.up[level](torch.cat([h, skips[level]], dim=-1))
            h = h.reshape(*h.shape[:2], h.shape[2] * self._branching, -1)
            if conditions is not None:
                h = h + conditions[-1 - level]
            h = gelu(self.up_norm[level](h))
            yield f"up{level + 1}", h


class _LayerNorm(nn.Module):
    """LayerNorm over channels of [R, B, positions, width], with a scale and shift per replica."""

    def __init__(self, replicas: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(replicas, width))
        self.bias = nn.Parameter(torch.zeros(replicas, width))

    def forward(self, x: Tensor) -> Tensor:
        normed = layer_norm(x, x.shape[-1:])
        return torch.addcmul(self.bias[:, None, None], normed, self.weight[:, None, None])
