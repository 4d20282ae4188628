"""Encoders that are a row of blocks: EfficientNet-Lite0, and one with random weights for tests."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

_CHANNELS = (3, 8, 16, 32)
"""Of the images, and of the three layers of the random encoder."""


class Blocks(nn.Module):
    """Blocks of a network in their order, the stem being part of the first."""

    def __init__(self, blocks: Sequence[nn.Module], mean: float, scale: float) -> None:
        """Images are shifted by `mean` and divided by `scale`, in values of a pixel."""
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self._mean = mean
        self._scale = scale

    @property
    def size(self) -> int:
        """Pixels of a side of images that such networks are trained on."""
        return 224

    @property
    def layers(self) -> int:
        """Number of layers there are."""
        return len(self.blocks)

    def forward(self, images: Tensor, layers: Sequence[int]) -> dict[int, Tensor]:
        """Features [B, C, h, w] of the layers; none deeper than these is computed."""
        features, found = (images - self._mean) / self._scale, {}
        for number, block in enumerate(self.blocks[: max(layers) + 1]):
            features = block(features)
            if number in layers:
                found[number] = features
        return found


def efficientnet_lite0(weights: Mapping[str, Tensor]) -> Blocks:
    """EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excitation, and with ReLU6).

    The classifier is left out; images are scaled as in its training, (x - 127) / 128.

    Args:
        weights: of the whole model.

    Raises:
        RuntimeError: weights are missing, or of another model.
    """
    with torch.device("meta"):  # weights that would be drawn at random are replaced
        model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(weights, assign=True)
    first, *others = model._blocks
    stem = nn.Sequential(model._conv_stem, model._bn0, model._swish, first)
    return Blocks([stem, *others], 127.0, 128.0).eval()


def random_network(weights: Mapping[str, Tensor]) -> Blocks:
    """Three convolutions that halve the image, each followed by a ReLU."""
    convolutions = [nn.Conv2d(*pair, 3, stride=2, padding=1) for pair in pairwise(_CHANNELS)]
    network = Blocks([nn.Sequential(c, nn.ReLU()) for c in convolutions], 127.5, 127.5)
    network.load_state_dict(weights)
    return network.eval()


def random_weights() -> dict[str, Tensor]:
    """Weights of `random_network`, always the same."""
    generator, weights = torch.Generator().manual_seed(0), {}
    for number, (inputs, outputs) in enumerate(pairwise(_CHANNELS)):
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator)
        # He initialisation, by which a ReLU keeps the size of features.
        weights[f"blocks.{number}.0.weight"] = weight * sqrt(2 / (9 * inputs))
        weights[f"blocks.{number}.0.bias"] = torch.zeros(outputs)
    return weights
