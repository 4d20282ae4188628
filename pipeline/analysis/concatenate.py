"""Stage `concatenate`: one table of all settings from the tables of each."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.section import NoSettings
from pipeline.base.spec import Spec


def concatenate(spec: Spec[NoSettings], parts: Sequence[Path], output: Path) -> None:
    """Join tables of one kind, in the order given."""
    kind = output.stem.removeprefix(f"{spec.domain}_")
    rows = tables.concatenate([tables.read_arrow(path, kind)[0] for path in parts])
    tables.write_arrow(output, rows, make_stamp(kind, spec, {}))
