"""Settings of images: what is read, trained, sampled, encoded and measured."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.base.cells import NamedCell
from pipeline.base.section import (
    Distinct,
    Fraction,
    Increasing,
    NoiseLevels,
    Positive,
    Section,
    Seed,
    Width,
)
from pipeline.datasets.settings import Subset
from pipeline.measurement.settings import Controls, Errors
from pipeline.networks.settings import ImageNetwork
from pipeline.noise.settings import PixelNoise
from pipeline.sampling.settings import Generation
from pipeline.sources.settings import (
    DirectoryModel,
    DirectorySource,
    HubModel,
    HubSource,
    OwnFiles,
    Package,
    PathPattern,
    RandomModel,
)
from pipeline.training.settings import AdamWOptimisation, Optimised


class PackageImages(Package):
    """A pinned package of sheets: PNG files with one square image in every row of pixels."""

    kind: Literal["package"]
    """Source of this kind."""
    files: PathPattern
    """Glob pattern of the sheets in the archive, read in sorted order."""
    labels: list[str]
    """Files in the archive, JSON lists of one class an image, in the order of the sheets."""
    classes: Annotated[list[Annotated[int, Field(ge=0)]], Distinct, Field(min_length=1)] | None
    """Classes that are kept; null for all."""

    @model_validator(mode="after")
    def _classes_need_labels(self) -> "PackageImages":
        if self.classes is not None and not self.labels:
            raise ValueError(f"classes = {self.classes} need files of labels to be chosen by")
        return self


class NpzSource(OwnFiles):
    """The official downsampled ImageNet (Chrabaszcz et al. 2017), which must have this size.

    Files are its batches, such as train_data_batch_*.npz.
    """

    kind: Literal["npz"]
    """Source of this kind."""


class GeneratedImages(Section):
    """Synthetic pictures, for tests: a square or a disc before a shaded, ruled background."""

    kind: Literal["generated"]
    """Source of this kind."""
    count: Positive
    """How many there are."""
    seed: Seed
    """Seed of the pictures."""


ImageSource = Annotated[
    PackageImages | NpzSource | HubSource | DirectorySource | GeneratedImages,
    Field(discriminator="kind"),
]
"""Where images come from."""


class Images(Section):
    """Images, their size and how they are split."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    """Name of the set in paths and on plots."""
    description: Annotated[str, Field(min_length=1, max_length=1000)]
    """Which set this is, of those that may share its name; goes into the stamp."""
    source: ImageSource
    """Where images come from."""
    size: Annotated[int, Field(ge=2)]
    """Pixels of a side, after halving, scaling and cropping to the middle."""
    validation_fraction: Annotated[Fraction, Field(gt=0)]
    """Share of the images that is held out."""
    split_seed: Seed
    """Seed of the choice of held-out images."""
    most_corrupt: Annotated[int, Field(ge=0, le=100)]
    """Images that cannot be read and may be skipped; names of the first go into the stamp."""


class EfficientNetLite0(Section):
    """EfficientNet-Lite0, trained on ImageNet, from a pinned package of its weights."""

    kind: Literal["efficientnet_lite0"]
    """Model of this kind."""
    package: Package
    """The package."""
    file: PathPattern
    """Glob pattern of the one .pth file in it."""


EncoderModel = Annotated[
    HubModel | DirectoryModel | EfficientNetLite0 | RandomModel, Field(discriminator="kind")
]
"""EfficientNet-Lite0, or a ConvNeXt, ResNet or CLIP of transformers."""


class ImagesSettings(Images):
    """Stage `images`."""

    content: str | None
    """Hash of the files of a directory of one's own; none of other sources."""


class DatasetSettings(Subset):
    """Stage `dataset`."""


class Training(AdamWOptimisation):
    """AdamW on the denoising loss."""

    loss: Literal["improved_hybrid", "squared_error", "variational_bound"]
    """Squared error of the noise, the variational bound, or both as in Improved DDPM."""


class TrainSettings(Optimised):
    """Stage `train`."""

    size: Positive
    """Pixels of a side."""
    noise: PixelNoise
    network: ImageNetwork
    training: Training
    cell: NamedCell


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: NoiseLevels | None
    """Ancestral steps, evenly spaced over the noise levels; null for all levels."""


class Encoding(Section):
    """Which features are taken of images; under which encoder is a matter of files."""

    size: Annotated[int, Field(ge=8)]
    """Pixels of a side that images are scaled to for it."""
    layers: Annotated[list[Annotated[int, Field(ge=0)]], Increasing, Field(min_length=1)]
    """Layers whose mean features are kept: blocks from 0, or hidden states, 0 being embeddings."""
    map_layers: Annotated[list[int], Increasing]
    """Those of them whose features at every place are kept as well."""

    @model_validator(mode="after")
    def _maps_are_of_layers(self) -> "Encoding":
        if not set(self.map_layers) <= set(self.layers):
            raise ValueError(f"map_layers = {self.map_layers} must be among layers = {self.layers}")
        return self


class Measurement(Errors):
    """Estimators on features of samples, and of real images."""

    jackknife_blocks: Annotated[int, Field(ge=4, le=100_000)]
    """Groups of images that are left out in turn, or resampled, for errors and intervals."""
    kernels: Annotated[list[Literal["gaussian", "energy", "cubic"]], Distinct, Field(min_length=1)]
    """Kernels of the maximum mean discrepancy; figures show distances with the first."""
    components: Width
    """Principal components of real features that Frechet distances are taken in: few, as the
    distance is biased upwards."""
    real_copies: Annotated[float, Field(gt=0, lt=0.5)]
    """Share of held-out images that may count as copied: samples that are nearer to a training
    image, relative to held-out ones, than all the rest of these are copies."""


class RealImages(Section):
    """What images are compared with."""

    reference_images: Annotated[int, Field(ge=16, le=10**7)]
    """Held-out images that generated ones are compared with; further ones serve as controls."""


class ControlSettings(Controls, RealImages):
    """Stage `controls`."""


class ShownImages(Section):
    """Stage `pictures`."""

    shown_images: Positive
    """Samples of each checkpoint that are kept as pictures."""
