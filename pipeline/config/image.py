"""Config of Gaussian diffusion on images: what is read, trained, sampled and measured."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.analysis.settings import Convergence
from pipeline.base.section import Increasing, Positive, Section
from pipeline.config.common import (
    AdamWTraining,
    Grid,
    Setting,
    average_problems,
    excesses,
    grid_problems,
)
from pipeline.config.mathtext import mathtext_problems
from pipeline.config.models import NamedEfficientNetLite0, NamedModel
from pipeline.image import settings as image
from pipeline.measurement.settings import Blocks
from pipeline.networks.settings import ImageNetwork
from pipeline.noise.settings import PixelNoise

_LARGEST_SIZE = 4096
"""Pixels of a side."""
_LONGEST_NAME = 100
"""Characters of the name of a set of images, which is part of directories' names."""


class Data(image.Images):
    """Images, their size and how they are split."""

    validation_size: Positive
    """Held-out images, at most, that losses are taken on."""


class Training(image.Training, AdamWTraining):
    """AdamW on the denoising loss."""


class Encoder(image.Encoding):
    """Pretrained network whose features images are compared by."""

    model: Annotated[NamedModel | NamedEfficientNetLite0, Field(discriminator="kind")]
    """Which model: EfficientNet-Lite0, or a ConvNeXt, ResNet or CLIP of transformers."""
    map_layers: Annotated[list[int], Increasing, Field(min_length=1)]
    """Those of them whose features at every place are kept as well."""


class Measurement(image.Measurement, image.RealImages, Blocks, image.ShownImages):
    """Estimators on features of samples, and of real images."""


class ImageConfig(Section):
    """The image domain."""

    enabled: bool
    """Whether the domain is part of `all`."""
    grid: Grid
    """Cells."""
    data: Data
    """Images and how they are split."""
    noise: PixelNoise
    """Forward process."""
    network: ImageNetwork
    """Denoiser."""
    training: Training
    """Optimisation."""
    sampling: image.Sampling
    """Generation."""
    encoder: Encoder
    """Features that images are compared by."""
    measurement: Measurement
    """Estimators."""
    analysis: Convergence
    """Reading rules."""

    @property
    def settings(self) -> list[Setting]:
        """The one setting of a run: the set of images and their size."""
        return [Setting(f"{self.data.name}_{self.data.size}px", self.grid.dataset_sizes)]

    def _problems(self) -> Iterator[str]:
        yield from grid_problems(self.settings, self.grid)
        yield from average_problems(self.training, self.sampling)
        if (self.sampling.steps or 0) > self.noise.noise_levels:
            yield (
                f"sampling.steps = {self.sampling.steps} must be at most noise.noise_levels = "
                f"{self.noise.noise_levels}, or null for all of them"
            )
        yield from self._shape_problems()
        fewest = min(self.sampling.samples, self.measurement.reference_images // 2)
        if (blocks := self.measurement.jackknife_blocks) > fewest:
            yield (
                f"measurement.jackknife_blocks = {blocks} must be at most sampling.samples and "
                f"half of reference_images, {fewest}"
            )
        yield from excesses(self, ("measurement.shown_images", "sampling.samples"))
        yield from mathtext_problems("encoder.model.name", self.encoder.model.name)
        if len(self.data.name) > _LONGEST_NAME:
            yield f"data.name has {len(self.data.name)} characters, more than {_LONGEST_NAME}"

    def _shape_problems(self) -> Iterator[str]:
        size, network = self.data.size, self.network
        if max(size, self.encoder.size) > _LARGEST_SIZE:
            yield (
                f"data.size = {size} and encoder.size = {self.encoder.size} must be at most "
                f"{_LARGEST_SIZE}"
            )
            return
        sides = [size // 2**level for level in range(len(network.multipliers))]
        if size % 2 ** (len(network.multipliers) - 1) or not set(network.attention) <= {*sides}:
            yield (
                f"data.size = {size} must be halved {len(network.multipliers) - 1} times by "
                f"network.multipliers, and network.attention = {network.attention} be among {sides}"
            )
        odd = [length for length in self.measurement.block_lengths if size % length]
        if odd:
            yield f"measurement.block_lengths: {odd[0]} does not divide data.size = {size}"
