"""One replica of the U-Net built from PyTorch's own convolutions, with the same weights."""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, one_hot


class TorchUNet(nn.Module):
    """Down and up blocks as nn.Conv1d and nn.ConvTranspose1d, channels first.

    Args:
        weights: weights of one replica, by their names in the ensemble.
        s: filter size and stride.
        levels: number of noise levels T.
    """

    def __init__(self, weights: dict[str, Tensor], s: int, levels: int) -> None:
        super().__init__()
        self._weights, self._levels = weights, levels
        depth = sum(name.startswith("down.") for name in weights)
        self.down = nn.ModuleList(self._down(f"down.{i}.weight", s) for i in range(depth))
        self.up = nn.ModuleList(self._up(f"up.{i}.weight", s) for i in range(depth))

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits [B, d, v]."""
        w = self._weights
        x = one_hot(xt, w["skip_readout.weight"].shape[0]).float().mT
        skips, h = [], x
        for i, block in enumerate(self.down):
            skips.append(h)
            h = gelu(block(h) + self._noise(i, t))
        for i in reversed(range(len(self.up))):
            h = gelu(self.up[i](h) + self._noise(-1 - i, t))
            h = torch.cat([h, skips[i]], dim=1) if i > 0 else h
        width = h.shape[1]
        out = h.mT @ w["readout.weight"] / width
        return out + x.mT @ w["skip_readout.weight"] / width**0.5

    def _noise(self, block: int, t: Tensor) -> Tensor:
        weight = self._weights[f"conditions.maps.{block % (2 * len(self.up))}.weight"]
        phase = torch.pi * t[:, None] / self._levels * torch.arange(len(weight))
        return (torch.cos(phase) @ weight / 16)[:, :, None]

    def _down(self, name: str, s: int) -> nn.Conv1d:
        weight = self._weights[name] / len(self._weights[name]) ** 0.5
        conv = nn.Conv1d(len(weight) // s, weight.shape[1], s, stride=s, bias=False)
        taps = [weight[k * conv.in_channels : (k + 1) * conv.in_channels] for k in range(s)]
        conv.weight.data = torch.stack(taps, dim=-1).transpose(0, 1)
        return conv

    def _up(self, name: str, s: int) -> nn.ConvTranspose1d:
        weight = self._weights[name] / len(self._weights[name]) ** 0.5
        width = weight.shape[1] // s
        conv = nn.ConvTranspose1d(len(weight), width, s, stride=s, bias=False)
        taps = [weight[:, k * width : (k + 1) * width] for k in range(s)]
        conv.weight.data = torch.stack(taps, dim=-1)
        return conv
