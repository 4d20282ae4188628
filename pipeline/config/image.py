"""Config of Gaussian diffusion on images: what is read, trained, sampled and measured."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.common import AdamW, Generation, Grid, Setting, check_average
from pipeline.config.fields import Distinct, Increasing, Positive, Section
from pipeline.config.images import Encoder, Images


class Noise(Section):
    """The forward process."""

    levels: Annotated[int, Field(ge=2)]
    """Noise levels T."""
    schedule: Literal["cosine", "ddpm_linear_beta"]
    """Schedule of alpha_bar."""


class Network(Section):
    """The U-Net of Improved DDPM."""

    width: Positive
    """Channels at full resolution; a multiple of `groups`."""
    groups: Positive
    """Groups of channels that are normalised together."""
    residual_blocks: Positive
    """Residual blocks at every resolution on the way down; one more on the way up."""
    multipliers: Annotated[list[Positive], Field(min_length=1)]
    """Channels over `width` at every resolution, each half the one before."""
    attention: Annotated[list[Positive], Distinct]
    """Sides of feature maps, in pixels, on which there is self-attention."""
    heads: Positive
    """Attention heads; a divisor of the channels there."""

    @model_validator(mode="after")
    def _channels_divide(self) -> "Network":
        if any(self.width % part for part in (2, self.groups, self.heads)):
            raise ValueError(
                f"width = {self.width} must be even and a multiple of groups = {self.groups} and "
                f"of heads = {self.heads}"
            )
        return self


class Training(AdamW):
    """AdamW on the denoising loss."""

    loss: Literal["improved_hybrid", "squared_error", "variational_bound"]
    """Squared error of the noise, the variational bound, or both as in Improved DDPM."""


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: Annotated[int, Field(ge=2)] | None
    """Ancestral steps, evenly spaced over the noise levels; null for all levels."""


class Measurement(Section):
    """Estimators on features of samples, and of real images."""

    reference_images: Annotated[int, Field(ge=16)]
    """Held-out images that generated ones are compared with; further ones serve as controls."""
    blocks: Annotated[int, Field(ge=4)]
    """Groups of images that are left out or resampled for errors and intervals."""
    bootstrap_samples: Annotated[int, Field(ge=100)]
    """Resamples behind errors of correlation ratios and intervals of lengths and times."""
    largest_error: Annotated[float, Field(gt=0, lt=1)]
    """Standard error of the correlation ratio up to which a distance counts as resolved."""
    kernels: Annotated[list[Literal["gaussian", "energy", "cubic"]], Distinct, Field(min_length=1)]
    """Kernels of the maximum mean discrepancy; figures show distances with the first."""
    components: Positive
    """Principal components of real features that Frechet distances are taken in: few, as the
    distance is biased upwards."""
    block_lengths: Annotated[list[Positive], Increasing, Field(min_length=2)]
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

    @model_validator(mode="after")
    def _cross_checks(self) -> "ImageConfig":
        check_average(self.training, self.sampling)
        if (self.sampling.steps or 0) > self.noise.levels:
            raise ValueError(
                f"sampling.steps = {self.sampling.steps} must be at most noise.levels = "
                f"{self.noise.levels}, or null for all of them"
            )
        self._check_shapes()
        return self

    def _check_shapes(self) -> None:
        size, network, measurement = self.data.size, self.network, self.measurement
        sides = [size // 2**level for level in range(len(network.multipliers))]
        if size % 2 ** (len(network.multipliers) - 1) or not set(network.attention) <= {*sides}:
            raise ValueError(
                f"data.size = {size} must be halved {len(network.multipliers) - 1} times by "
                f"network.multipliers, and network.attention = {network.attention} be among {sides}"
            )
        odd = [length for length in measurement.block_lengths if size % length]
        if odd:
            raise ValueError(
                f"measurement.block_lengths: {odd[0]} does not divide data.size = {size}"
            )
        fewest = min(self.sampling.samples, measurement.reference_images // 2)
        if measurement.blocks > fewest or measurement.shown_images > self.sampling.samples:
            raise ValueError(
                f"measurement.blocks = {measurement.blocks} must be at most sampling.samples and "
                f"half of reference_images, {fewest}, and measurement.shown_images = "
                f"{measurement.shown_images} at most sampling.samples = {self.sampling.samples}"
            )
