"""Pretrained models with their names in figures; nothing else depends on these names."""

from typing import Annotated

from pydantic import Field

from pipeline.base.section import Section
from pipeline.image.settings import EfficientNetLite0
from pipeline.sources.settings import DirectoryModel, HubModel, RandomModel
from pipeline.text.settings import GgufModel


class _Named(Section):
    name: str
    """Name in tables and on plots."""


class NamedHubModel(HubModel, _Named):
    """A pretrained model of the Hugging Face hub, in safetensors, fetched once into resources/."""


class NamedDirectoryModel(DirectoryModel, _Named):
    """A pretrained model in a local directory, in safetensors."""


class NamedRandomModel(RandomModel, _Named):
    """A tiny model with random weights, for tests: it knows nothing."""


class NamedGgufModel(GgufModel, _Named):
    """A causal language model as a GGUF file in a pinned package."""


class NamedEfficientNetLite0(EfficientNetLite0, _Named):
    """EfficientNet-Lite0, trained on ImageNet, from a pinned package of its weights."""


NamedModel = Annotated[
    NamedHubModel | NamedDirectoryModel | NamedRandomModel, Field(discriminator="kind")
]
"""A pretrained model that any role may have."""
