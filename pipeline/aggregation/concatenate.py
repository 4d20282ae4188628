"""Stage `concatenate`: one table of all settings from the tables of each."""

from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts, tables


def concatenate(spec: dict, parts: Sequence[Path], output: Path) -> None:
    """Join tables of one kind, in the order given."""
    kind = output.stem.removeprefix(f"{spec['domain']}_")
    frame = tables.read_tables(parts, kind)
    tables.write_table(output, frame, artifacts.make_stamp(kind, spec, {}))
