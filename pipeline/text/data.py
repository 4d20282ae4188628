"""Blocks of text: the beginning of an order of its own for every data seed."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.datasets.build import Tensors
from pipeline.datasets.subset import choose_rows
from pipeline.text.settings import DatasetSettings


def build(settings: DatasetSettings, sources: Sequence[Path]) -> tuple[Tensors, dict[str, str]]:
    """Tensors of `make_dataset`, and the content hash of the corpus that they were taken from."""
    return choose_rows(settings, sources[0], "corpus", "domains.text.grid", "blocks")
