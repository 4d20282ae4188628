"""Config of image data and of the encoder that images are compared by."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.fields import Distinct, Fraction, Increasing, Positive, Section, Seed
from pipeline.config.packages import (
    DirectoryModel,
    DirectorySource,
    FilePattern,
    HubModel,
    HubSource,
    Package,
    PathPattern,
    Place,
    RandomModel,
)


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


class NpzSource(Section):
    """The official downsampled ImageNet (Chrabaszcz et al. 2017), which must have this size."""

    kind: Literal["npz"]
    """Source of this kind."""
    path: Place
    """Directory of its batches, absolute or below that of the workflow."""
    files: FilePattern
    """Glob pattern of the batches, such as train_data_batch_*.npz, read in sorted order."""


class GeneratedImages(Section):
    """Synthetic pictures, for tests: a square or a disc before a shaded, ruled background."""

    kind: Literal["generated"]
    """Source of this kind."""
    count: Positive
    """How many there are."""
    seed: Seed
    """Seed of the pictures."""


class Images(Section):
    """Images, their size and how they are split."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    """Name of the set in paths and on plots."""
    description: Annotated[str, Field(min_length=1, max_length=1000)]
    """Which set this is, of those that may share its name; goes into the stamp."""
    source: Annotated[
        PackageImages | NpzSource | HubSource | DirectorySource | GeneratedImages,
        Field(discriminator="kind"),
    ]
    """Where images come from."""
    size: Annotated[int, Field(ge=2)]
    """Pixels of a side, after halving, scaling and cropping to the middle."""
    validation_fraction: Annotated[Fraction, Field(gt=0)]
    """Share of the images that is held out."""
    split_seed: Seed
    """Seed of the choice of held-out images."""
    validation_size: Positive
    """Held-out images, at most, that losses are taken on."""
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
    name: str
    """Name in tables and on plots."""


class Encoder(Section):
    """Pretrained network whose features images are compared by."""

    model: Annotated[
        HubModel | DirectoryModel | EfficientNetLite0 | RandomModel, Field(discriminator="kind")
    ]
    """Which model: EfficientNet-Lite0, or a ConvNeXt, ResNet or CLIP of transformers."""
    size: Annotated[int, Field(ge=8)]
    """Pixels of a side that images are scaled to for it."""
    layers: Annotated[list[Annotated[int, Field(ge=0)]], Increasing, Field(min_length=1)]
    """Layers whose mean features are kept: blocks from 0, or hidden states, 0 being embeddings."""
    map_layers: Annotated[list[int], Increasing, Field(min_length=1)]
    """Those of them whose features at every place are kept as well."""

    @model_validator(mode="after")
    def _maps_are_of_layers(self) -> "Encoder":
        if not set(self.map_layers) <= set(self.layers):
            raise ValueError(f"map_layers = {self.map_layers} must be among layers = {self.layers}")
        return self
