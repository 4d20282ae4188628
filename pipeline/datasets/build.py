"""Stage `dataset`: training, validation and test sets of every replica of a cell."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from pipeline.artifacts import streams
from pipeline.artifacts.tensors import make_stamp

Tensors = Mapping[str, tuple[tuple[int, ...], Iterable[np.ndarray]]]
"""For each tensor its shape, with -1 for the number of strings, and its rows, piece by piece."""


def make_dataset(spec: dict, data: ModuleType, sources: Sequence[Path], output: Path) -> None:
    """Build and save a cell's data.

    Args:
        spec: spec of the stage.
        data: the domain's `data` part.
        sources: the domain's source artifacts.
        output: safetensors file with `training` [R, P, d], `validation` and, for some domains,
            `test` [R, N, d].
    """
    tensors, inputs = data.build(spec["settings"], sources)
    with streams.writing(output, make_stamp("dataset", spec, inputs)) as stream:
        for name, (shape, rows) in tensors.items():
            stream.add(name, rows, shape)
