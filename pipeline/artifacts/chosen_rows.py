"""Data of a cell, as their readers index them: strings of their own, or rows of a source.

Text and images are not copied for every cell: their datasets hold numbers of rows of the corpus or
of the images, which stay on disk, and are read where they are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.artifacts import streams

ROWS_OF = "rows_of"
"""Key in the stamp of a dataset: kind of the source that it numbers rows of, or none."""


class Strings(Protocol):
    """What is indexed as an array of strings [R, N, d] by replica and number; an array is, too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        ...

    def __getitem__(self, index: Any, /) -> np.ndarray:  # noqa: ANN401
        """Strings in memory, [..., d]."""
        ...


@dataclass(frozen=True)
class ChosenRows:
    """Rows of a source in an order of their own, of which only those asked for are in memory.

    Attributes:
        source: all rows [M, d], which may be a memory map.
        numbers: of the chosen rows, integers [..., N].
    """

    source: np.ndarray
    numbers: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that all chosen rows would fill, [..., N, d]."""
        return (*self.numbers.shape, self.source.shape[1])

    def __getitem__(self, index: Any, /) -> np.ndarray:  # noqa: ANN401
        """Rows in memory, [..., d], by an index into `numbers`."""
        return np.asarray(self.source[self.numbers[index]])


@dataclass(frozen=True)
class Dataset:
    """A cell's data.

    Attributes:
        strings: `training`, `validation` and, for some domains, `test`, [R, N, d] each.
        stamp: of the dataset.
        inputs: content hashes of the files that the strings are in, for stamps of what is made.
    """

    strings: Mapping[str, Strings]
    stamp: Mapping[str, Any]
    inputs: Mapping[str, str]


def map_dataset(path: Path, sources: Sequence[Path]) -> Dataset:
    """A cell's data, which stay on disk until they are used.

    Args:
        path: artifact of stage `dataset`.
        sources: what it was made from; of rows of a source, one that all replicas share.

    Raises:
        PipelineError: a file is missing, truncated, of another kind, or was altered.
    """
    data = streams.map_tensors(path, "dataset")
    inputs, kind = {"dataset": data.sha256}, data.stamp.get(ROWS_OF)
    if kind is None:
        return Dataset(data.tensors, data.stamp, inputs)
    source = streams.map_tensors(sources[0], kind)
    strings = {
        name: ChosenRows(source.tensors[name], numbers) for name, numbers in data.tensors.items()
    }
    return Dataset(strings, data.stamp, inputs | {source.path.name: source.sha256})
