"""How many weights networks have, so that disk can be reckoned before there are any."""

from typing import Any

from pipeline.base.labels import Cell, parse_replicas, parse_setting
from pipeline.config.grid import DomainConfig
from pipeline.config.image import ImageConfig
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig, vocabulary_size
from pipeline.networks.settings import ImageNetwork


def checkpoint_bytes(domain: DomainConfig, cell: Cell) -> int:
    """Size of one checkpoint of a cell, float32 weights and averages of all its replicas."""
    copies = 1 + len(domain.training.average_decays)
    return 4 * copies * len(parse_replicas(cell.replicas)) * parameter_count(domain, cell)


def parameter_count(domain: DomainConfig, cell: Cell) -> int:
    """Weights of one replica's network, averages not counted."""
    if isinstance(domain, ImageConfig):
        return _unet2d_parameters(domain.network, domain.data.size)
    if isinstance(domain, TextConfig):
        return _transformer_parameters(domain)
    return _unet_parameters(domain, parse_setting(cell.setting))


def _unet_parameters(domain: RhmConfig, setting: dict[str, Any]) -> int:
    """As `pipeline.networks.normed_unet1d` or `unet1d` builds it."""
    network, v, s, depth = domain.network, setting["v"], setting["s"], setting["L"]
    width, has_mask = network.width, domain.noise.process == "absorbing"
    inputs = v + (has_mask and network.noise_input != "contrast")
    cosines = network.noise_input == "cosines"
    if network.architecture == "normed_unet":
        filters, norms = 3 * depth * s * width, 4 * depth
        return width * (inputs + filters + norms + 2 * depth * 16 * cosines + 2 * v)
    down = s * width * (inputs + (depth - 1) * width)
    up = s * width * width * (1 + 2 * (depth - 1))
    return down + up + 2 * depth * (16 if cosines else 1) * width + v * (width + inputs)


def _transformer_parameters(domain: TextConfig) -> int:
    """As `pipeline.networks.transformer` builds it, with 64 features of the noise level."""
    width, symbols = domain.network.width, vocabulary_size(domain.data.tokenizer)
    hidden = -(-8 * width // 96) * 32
    block = 4 * width * width + 3 * width * hidden + 6 * (64 + 1) * width
    ends = (2 * symbols + 1) * width + 64 * (8 * 64 + 5) + 2 * (64 + 1) * width
    return domain.network.layers * block + ends


def _unet2d_parameters(network: ImageNetwork, size: int) -> int:
    """As `pipeline.networks.unet2d` builds it: blocks along the way, with their skips."""
    width, blocks = network.width, network.residual_blocks
    channels = [width * multiplier for multiplier in network.multipliers]
    attended = [size // 2**level in network.attention for level in range(len(channels))]
    total, now, skips = 20 * width * width + 8 * width + 28 * width, width, [width]
    for level, out in enumerate(channels):
        for _ in range(blocks):
            total += _block_parameters(width, now, out) + attended[level] * _attention(out)
            now = out
            skips.append(now)
        if level < len(channels) - 1:
            total += _convolution(now, now)
            skips.append(now)
    total += 2 * _block_parameters(width, now, now) + _attention(now)
    for level, out in reversed(list(enumerate(channels))):
        for _ in range(blocks + 1):
            total += _block_parameters(width, now + skips.pop(), out)
            total += attended[level] * _attention(out)
            now = out
        total += (level > 0) * _convolution(now, now)
    return total + 2 * now + _convolution(now, 6)


def _block_parameters(width: int, inputs: int, outputs: int) -> int:
    """A residual block: two norms and convolutions, the embedding's scale and shift, the skip."""
    skip = (inputs + 1) * outputs if inputs != outputs else 0
    convolutions = _convolution(inputs, outputs) + _convolution(outputs, outputs)
    return 2 * (inputs + outputs) + convolutions + (4 * width + 1) * 2 * outputs + skip


def _convolution(inputs: int, outputs: int) -> int:
    return (9 * inputs + 1) * outputs


def _attention(channels: int) -> int:
    return 2 * channels + 4 * (channels + 1) * channels
