"""Stage `controls`: real data, and data like them up to a known length, in place of samples.

They are kept as samples, so that every stage that reads samples can read them too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from pipeline.artifacts.tensors import make_stamp, read_stamp, write_tensors
from pipeline.base.section import Section
from pipeline.base.spec import Spec
from pipeline.base.types import Values

_Settings = TypeVar("_Settings", bound=Section)
_Settings_contra = TypeVar("_Settings_contra", bound=Section, contravariant=True)


class Controls(Protocol[_Settings_contra]):
    """A domain's `controls` part, a module.

    Attributes:
        SOURCE: kind of artifact that the domain's data are.
    """

    SOURCE: str

    def controls(
        self, source: Path, settings: _Settings_contra, /
    ) -> Iterator[tuple[Values, np.ndarray]]:
        """Controls in a fixed order.

        Args:
            source: the domain's data.
            settings: of the `controls` stage.

        Yields:
            Columns that say which control it is, and its tokens, integers [N, d].
        """
        ...


def make_controls(
    spec: Spec[_Settings], part: Controls[_Settings], source: Path, controls: Sequence[Path]
) -> None:
    """Make the controls of a setting.

    Args:
        spec: spec of the stage.
        part: the domain's `controls` part.
        source: the domain's data, an artifact of the kind `part.SOURCE`.
        controls: one for each control in the part's order, with `tokens` [1, N, d]. The stamp's
            `control` has the columns that say which it is.
    """
    inputs = {source.name: read_stamp(source, part.SOURCE)["sha256"]}
    made = part.controls(source, spec.settings)
    for path, (columns, tokens) in zip(controls, made, strict=True):
        stamp = make_stamp("samples", spec, inputs) | {"control": columns}
        write_tensors(path, {"tokens": tokens[None]}, stamp)
