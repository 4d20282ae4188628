"""Settings that say which cell of the grid something is made for."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.labels import ONLINE, Replica
from pipeline.base.section import Distinct, Increasing, Positive, Section, Seed

DatasetSize = Positive | Literal["online"]
DatasetSizes = Annotated[
    list[DatasetSize], Increasing, Distinct, Field(min_length=1, max_length=1000)
]
Seeds = Annotated[list[Seed], Distinct, Field(min_length=1, max_length=1000)]


class CellSettings(Section):
    """A cell: what a domain is studied at, and the replicas that train together."""

    setting: Section
    """Columns of tables that tell settings apart; every domain has a class of its own for them."""
    dataset_size: str
    """Number of training strings, blocks or images, or online."""
    replicas: list[Replica]
    """Replicas, in the order in which their tensors stand."""

    @property
    def is_online(self) -> bool:
        """Whether training data are new ones at every step."""
        return self.dataset_size == ONLINE


class NamedSetting(Section):
    """What text and images are studied at."""

    setting: str
    """Its name: tokenizer and context, or set and size of images."""


class NamedCell(CellSettings):
    """A cell of text or images."""

    setting: NamedSetting


class Batches(Section):
    """How much is read in a step."""

    batch_size: Annotated[int, Field(gt=0, le=2**20)]
    """Strings per step, over all processes."""


class Trained(Section):
    """What the settings of `train` have in every domain: the base of the classes for them."""

    cell: CellSettings
    training: Batches
