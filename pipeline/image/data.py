"""Images: the beginning of an order of its own for every data seed."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.datasets.build import Tensors
from pipeline.datasets.subset import choose_rows
from pipeline.image.settings import DatasetSettings

SOURCE = "images"


def build(settings: DatasetSettings, sources: Sequence[Path]) -> tuple[Tensors, dict[str, str]]:
    """Tensors of `make_dataset`, and the content hash of the images whose rows they number."""
    return choose_rows(settings, sources[0], SOURCE, "domains.image.grid", "images")
