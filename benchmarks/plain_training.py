"""The RHM's U-Net and its training as one would write them with PyTorch's own parts."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, one_hot
from torch.utils.data import DataLoader, TensorDataset

_FEATURES = 16


class ConvUNet(nn.Module):
    """L convolutions down and L transposed ones up, of filter size and stride s."""

    def __init__(self, symbols: int, s: int, depth: int, width: int, levels: int) -> None:
        super().__init__()
        self.symbols, self.levels = symbols, levels
        below = [symbols] + [width] * (depth - 1)
        above = [2 * width] * (depth - 1) + [width]
        self.down = nn.ModuleList(nn.Conv1d(c, width, s, stride=s, bias=False) for c in below)
        self.up = nn.ModuleList(nn.ConvTranspose1d(c, width, s, s, bias=False) for c in above)
        noise = [nn.Linear(_FEATURES, width, bias=False) for _ in range(2 * depth)]
        self.down_noise, self.up_noise = nn.ModuleList(noise[:depth]), nn.ModuleList(noise[depth:])
        self.readout = nn.Conv1d(width, symbols, 1, bias=False)
        self.skip_readout = nn.Conv1d(symbols, symbols, 1, bias=False)
        self.register_buffer("frequencies", math.pi * torch.arange(_FEATURES))

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits [B, v, d] of clean tokens."""
        noise = torch.cos(self.frequencies * (t / self.levels)[:, None])
        x = h = one_hot(xt, self.symbols).float().mT
        skips = []
        for block, condition in zip(self.down, self.down_noise, strict=True):
            skips.append(h)
            h = gelu(block(h) + condition(noise)[:, :, None])
        for level in reversed(range(len(self.up))):
            h = gelu(self.up[level](h) + self.up_noise[level](noise)[:, :, None])
            if level > 0:
                h = torch.cat([h, skips[level]], dim=1)
        return self.readout(h) + self.skip_readout(x)


def trainer(
    network: ConvUNet, strings: Tensor, alpha_bar: Tensor, batch_size: int
) -> Callable[[int], None]:
    """Function that trains `network` for so many steps on strings, int64 [P, d]."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    loader = DataLoader(TensorDataset(strings), batch_size, shuffle=True, drop_last=True)

    def train(steps: int) -> None:
        done = 0
        while True:
            for (x0,) in loader:
                t = torch.randint(1, len(alpha_bar), (len(x0),))
                keep = torch.rand(x0.shape) < alpha_bar[t][:, None]
                xt = torch.where(keep, x0, torch.randint_like(x0, network.symbols))
                loss = cross_entropy(network(xt, t), x0)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                done += 1
                if done == steps:
                    return

    return train
