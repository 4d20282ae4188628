"""The unconditional U-Net of Improved DDPM for images (Nichol & Dhariwal 2021), without dropout.

On the way down every resolution has residual blocks, with self-attention after each at chosen
resolutions, and all their outputs are concatenated to what comes back up. The noise level scales
and shifts features inside every residual block. The last layer of every block, and of the network,
starts at zero. On GPUs products are in bfloat16, except in the first and the last convolution, as
x_t is nearly x_0 at low levels; PyTorch's autocast keeps group norms in float32, too.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, scaled_dot_product_attention, silu

from pipeline.base.randomness import stream_key
from pipeline.networks.network import Network

_COLOURS = 3
_OUTPUTS = 2
"""For every pixel and colour: predicted noise, and where the variance is between its bounds."""
_TIME_SCALE = 1000.0
_LONGEST_PERIOD = 1e4
_EMBEDDING_MULTIPLE = 4


class UNet2d(Network):
    """Predicts noise and variance: `outputs = network(x_t, t)`.

    It has the axis of replicas that all networks have, with one of them.

    Args:
        seed: what its weights follow from.
        levels: number of noise levels T.
        size: side of the images, in pixels.
        width: channels at full resolution; even, and a multiple of `groups`.
        groups: of channels that are normalised together.
        residual_blocks: at every resolution on the way down; one more on the way up.
        multipliers: channels over `width` at every resolution, each half the one before.
        attention: sides of the feature maps, in pixels, with self-attention.
        heads: of attention; a divisor of the channels there.
    """

    def __init__(
        self,
        seed: int,
        levels: int,
        size: int,
        width: int,
        groups: int,
        residual_blocks: int,
        multipliers: list[int],
        attention: list[int],
        heads: int,
    ) -> None:
        super().__init__()
        self._levels, self._size, self._width = levels, size, width
        embedding = _EMBEDDING_MULTIPLE * width
        self.time_in, self.time_up = nn.Linear(width, embedding), nn.Linear(embedding, embedding)
        self.image_in = nn.Conv2d(_COLOURS, width, 3, padding=1)

        def block(inputs: int, outputs: int, side: int) -> _Block:
            attended = heads if side in attention else 0
            return _Block(inputs, outputs, embedding, groups, attended)

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, now = [width], width
        for level, multiplier in enumerate(multipliers):
            for _ in range(residual_blocks):
                self.down.append(block(now, multiplier * width, size >> level))
                now = multiplier * width
                skips.append(now)
            if level < len(multipliers) - 1:
                self.down.append(_Halve(now))
                skips.append(now)
        self.middle_in = _Block(now, now, embedding, groups, heads)
        self.middle_out = _Block(now, now, embedding, groups, 0)
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for _ in range(residual_blocks + 1):
                self.up.append(block(now + skips.pop(), multiplier * width, size >> level))
                now = multiplier * width
            if level > 0:
                self.up.append(_Double(now))
        self.norm = nn.GroupNorm(groups, now)
        self.out = nn.Conv2d(now, _OUTPUTS * _COLOURS, 3, padding=1)
        _initialise(self, seed)

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Float32 [1, B, d, 2], predicted noise and v, of x_t [1, B, d] and t int64 [1, B]."""
        h = self.image_in(xt[0].unflatten(-1, (_COLOURS, self._size, self._size)))
        with torch.autocast(xt.device.type, torch.bfloat16, enabled=xt.is_cuda):
            h = self._features(h, t[0])
        outputs = self.out(silu(self.norm(h.float())))
        return outputs.unflatten(1, (_OUTPUTS, _COLOURS)).flatten(2).transpose(1, 2).unsqueeze(0)

    def _features(self, h: Tensor, t: Tensor) -> Tensor:
        # As in Improved DDPM's code: levels are counted from 0, and scaled as if there were 1000.
        time = self.time_in(_sinusoids((t - 1) * (_TIME_SCALE / self._levels), self._width))
        time = silu(self.time_up(silu(time)))
        skips = [h]
        for layer in self.down:
            h = layer(h, time)
            skips.append(h)
        h = self.middle_out(self.middle_in(h, time), time)
        for layer in self.up:
            if isinstance(layer, _Block):
                h = torch.cat([h, skips.pop()], dim=1)
            h = layer(h, time)
        return h


class _Block(nn.Module):
    """A residual block, followed by attention if there are to be heads."""

    def __init__(self, inputs: int, outputs: int, embedding: int, groups: int, heads: int) -> None:
        super().__init__()
        self.norm_in, self.norm = nn.GroupNorm(groups, inputs), nn.GroupNorm(groups, outputs)
        self.convolve = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.out = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.attention = _Attention(outputs, groups, heads) if heads else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.convolve(silu(self.norm_in(x)))
        scale, shift = self.modulation(time)[..., None, None].chunk(2, dim=1)
        h = self.out(silu(torch.addcmul(shift, self.norm(h), 1 + scale)))
        return self.attention(self.skip(x) + h)


class _Attention(nn.Module):
    def __init__(self, channels: int, groups: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        parts = self.query_key_value(tokens).unflatten(-1, (3, self._heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(query, key, value)
        change = self.out(attended.transpose(1, 2).flatten(-2))
        return x + change.transpose(1, 2).unflatten(-1, x.shape[2:])


class _Halve(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor, _time: Tensor) -> Tensor:
        return self.convolve(x)


class _Double(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, _time: Tensor) -> Tensor:
        return self.convolve(interpolate(x, scale_factor=2))


def _sinusoids(t: Tensor, features: int) -> Tensor:
    """Cosines, then sines, of t, [B, features], wavelengths from 2 pi towards 2 pi 10**4."""
    frequencies = _LONGEST_PERIOD ** -torch.linspace(0, 1, features // 2 + 1, device=t.device)[:-1]
    angles = t.float().unsqueeze(-1) * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def _initialise(network: nn.Module, seed: int) -> None:
    """Draw weights and biases, each from the stream of its name, within +-1 / sqrt(inputs).

    Layers called `out` start at zero; norms keep the scale 1 and the shift 0 that they start with.
    """
    for module_name, module in network.named_modules():
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        last = module_name.rpartition(".")[2] == "out"
        bound = 0.0 if last else module.weight[0].numel() ** -0.5
        for name, tensor in module.named_parameters():
            if tensor.is_meta:  # shapes are all that is asked for
                continue
            key = stream_key(seed, "weights", f"{module_name}.{name}")
            generator = torch.Generator().manual_seed(key % 2**63)
            nn.init.uniform_(tensor, -bound, bound, generator)
