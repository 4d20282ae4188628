"""Config of Gaussian diffusion on images: what is read, trained, sampled and measured."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.common import AdamW, Generation, Grid, Setting, average_problems, grid_problems
from pipeline.config.fields import (
    Distinct,
    Few,
    Increasing,
    Levels,
    Positive,
    Section,
    Width,
    excesses,
)
from pipeline.config.images import Encoder, Images
from pipeline.config.mathtext import mathtext_problems

_LARGEST_SIZE = 4096
"""Pixels of a side."""
_LONGEST_NAME = 100
"""Characters of the name of a set of images, which is part of directories' names."""


class Noise(Section):
    """The forward process."""

    levels: Levels
    """Noise levels T."""
    schedule: Literal["cosine", "ddpm_linear_beta"]
    """Schedule of alpha_bar."""


class Network(Section):
    """The U-Net of Improved DDPM."""

    width: Width
    """Channels at full resolution; a multiple of `groups`."""
    groups: Width
    """Groups of channels that are normalised together."""
    residual_blocks: Annotated[int, Field(gt=0, le=64)]
    """Residual blocks at every resolution on the way down; one more on the way up."""
    multipliers: Annotated[list[Few], Field(min_length=1, max_length=12)]
    """Channels over `width` at every resolution, each half the one before."""
    attention: Annotated[list[Positive], Distinct, Field(max_length=12)]
    """Sides of feature maps, in pixels, on which there is self-attention."""
    heads: Few
    """Attention heads; a divisor of the channels there."""

    def _problems(self) -> Iterator[str]:
        if any(self.width % part for part in (2, self.groups, self.heads)):
            yield (
                f"width = {self.width} must be even and a multiple of groups = {self.groups} and "
                f"of heads = {self.heads}"
            )


class Training(AdamW):
    """AdamW on the denoising loss."""

    loss: Literal["improved_hybrid", "squared_error", "variational_bound"]
    """Squared error of the noise, the variational bound, or both as in Improved DDPM."""


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: Levels | None
    """Ancestral steps, evenly spaced over the noise levels; null for all levels."""


class Measurement(Section):
    """Estimators on features of samples, and of real images."""

    reference_images: Annotated[int, Field(ge=16, le=10**7)]
    """Held-out images that generated ones are compared with; further ones serve as controls."""
    blocks: Annotated[int, Field(ge=4, le=100_000)]
    """Groups of images that are left out or resampled for errors and intervals."""
    bootstrap_samples: Annotated[int, Field(ge=100, le=100_000)]
    """Resamples behind errors of correlation ratios and intervals of lengths and times."""
    largest_error: Annotated[float, Field(gt=0, lt=1)]
    """Standard error of the correlation ratio up to which a distance counts as resolved."""
    kernels: Annotated[list[Literal["gaussian", "energy", "cubic"]], Distinct, Field(min_length=1)]
    """Kernels of the maximum mean discrepancy; figures show distances with the first."""
    components: Width
    """Principal components of real features that Frechet distances are taken in: few, as the
    distance is biased upwards."""
    block_lengths: Annotated[list[Positive], Increasing, Field(min_length=2, max_length=100)]
    """Sides, in pixels, of the blocks exchanged across images in the controls; divisors of size."""
    real_copies: Annotated[float, Field(gt=0, lt=0.5)]
    """Share of held-out images that may count as copied: samples that are nearer to a training
    image, relative to held-out ones, than all the rest of these are copies."""
    shown_images: Positive
    """Samples of each checkpoint that are kept as pictures."""


class Analysis(Section):
    """How numbers are read off."""

    fractions: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Distinct, Field(min_length=1)]
    """A layer has converged when its distance is below this share of that of white noise."""


class ImageConfig(Section):
    """The image domain."""

    enabled: bool
    """Whether the domain is part of `all`."""
    grid: Grid
    """Cells."""
    data: Images
    """Images and how they are split."""
    noise: Noise
    """Forward process."""
    network: Network
    """Denoiser."""
    training: Training
    """Optimisation."""
    sampling: Sampling
    """Generation."""
    encoder: Encoder
    """Features that images are compared by."""
    measurement: Measurement
    """Estimators."""
    analysis: Analysis
    """Reading rules."""

    @property
    def settings(self) -> list[Setting]:
        """The one setting of a run: the set of images and their size."""
        return [Setting(f"{self.data.name}_{self.data.size}px", self.grid.dataset_sizes)]

    def _problems(self) -> Iterator[str]:
        yield from grid_problems(self.settings, self.grid)
        yield from average_problems(self.training, self.sampling)
        if (self.sampling.steps or 0) > self.noise.levels:
            yield (
                f"sampling.steps = {self.sampling.steps} must be at most noise.levels = "
                f"{self.noise.levels}, or null for all of them"
            )
        yield from self._shape_problems()
        fewest = min(self.sampling.samples, self.measurement.reference_images // 2)
        if self.measurement.blocks > fewest:
            yield (
                f"measurement.blocks = {self.measurement.blocks} must be at most sampling.samples "
                f"and half of reference_images, {fewest}"
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
