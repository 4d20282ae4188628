"""Stage `dataset`: training, validation and test sets of every replica of a cell."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from pipeline.artifacts import streams
from pipeline.artifacts.chosen_rows import ROWS_OF
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.section import Section
from pipeline.base.spec import Spec

Tensors = Mapping[str, tuple[tuple[int, ...], Iterable[np.ndarray]]]
"""For each tensor its shape, with -1 for the number of strings, and its rows, piece by piece."""


_Settings = TypeVar("_Settings", bound=Section)
_Settings_contra = TypeVar("_Settings_contra", bound=Section, contravariant=True)


class Data(Protocol[_Settings_contra]):
    """A domain's `data` part, a module."""

    @property
    def SOURCE(self) -> str | None:
        """Kind of the artifact whose rows its datasets number; none if they hold strings."""
        ...

    def build(
        self, settings: _Settings_contra, sources: Sequence[Path], /
    ) -> tuple[Tensors, dict[str, str]]:
        """Data of a cell, and the content hash of every source by the name of its file.

        Args:
            settings: of the `dataset` stage.
            sources: the domain's source artifacts: one per replica, or one for all.

        Returns:
            Strings of `training` [R, P, d], which a model sees in this order, of `validation` and,
            for some domains, `test` [R, N, d]; or numbers of rows of the source, [R, P] and [R, N].
            All are uint8 or another type of integers that is no wider than they need.

        Raises:
            PipelineError: the sources have fewer strings than the settings ask for.
        """
        ...


def make_dataset(
    spec: Spec[_Settings], data: Data[_Settings], sources: Sequence[Path], output: Path
) -> None:
    """Build and save a cell's data.

    Args:
        spec: spec of the stage.
        data: the domain's `data` part.
        sources: the domain's source artifacts.
        output: safetensors file with what `data.build` returns; its stamp says of which kind the
            source is whose rows are numbered.
    """
    tensors, inputs = data.build(spec.settings, sources)
    stamp = make_stamp("dataset", spec, inputs) | {ROWS_OF: data.SOURCE}
    with streams.writing(output, stamp) as stream:
        for name, (shape, rows) in tensors.items():
            stream.add(name, rows, shape)
