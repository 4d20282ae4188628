"""Parquet tables: column meanings and units in the schema, and the stamp of the job that made them.

These tables are the pipeline's public interface; `pipeline.base.columns` documents every column.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.artifacts.files import replacing
from pipeline.artifacts.places import placed
from pipeline.artifacts.seals import (
    SealError,
    check_seal,
    parse_stamp,
    read_footer,
    seal,
    with_blank_seal,
)
from pipeline.artifacts.tensors import STAMP, check_kind, refusal
from pipeline.base.cells import CellSettings
from pipeline.base.columns import COLUMNS
from pipeline.base.errors import one_line
from pipeline.base.section import Section
from pipeline.base.types import Values

if TYPE_CHECKING:  # pyarrow imports pandas where frames are made; other stages start 0.4 s sooner
    import pandas as pd

SEEDS = ["grammar_seed", "data_seed", "network_seed"]
"""Columns that tell replicas of one setting apart, each drawn anew within the one before."""
_PLACES = {name: place for place, name in enumerate(COLUMNS)}
UNSEALED = Path(__file__).parents[2] / "workflow/references/unsealed.sha256"
"""Tables in the repository of an older version, which had no seals, as sha256sum lists them."""


def places(cell: CellSettings, step: int) -> list[Values]:
    """Columns that say where a number belongs, for every replica of a cell."""
    common = {**setting_columns(cell.setting), "dataset_size": cell.dataset_size, "step": step}
    seeds = (zip(SEEDS, replica, strict=True) for replica in cell.replicas)
    return [
        {**common, **{name: seed for name, seed in known if seed is not None}} for known in seeds
    ]


def setting_columns(setting: Section) -> Values:
    """Columns that tell a setting from others, in the order of their names."""
    return dict(sorted(setting.plain().items()))


def write_table(path: Path, frame: "pd.DataFrame", stamp: Mapping[str, Any]) -> None:
    """Write a table whose columns are all documented, whole or not at all.

    Every column has the type and the place it has in all tables, also where it is empty; NaN
    becomes null. The stamp goes into the file's footer, with the hash of all before it, and seals
    it.
    """
    write_arrow(path, pa.Table.from_pandas(frame, preserve_index=False), stamp)


def write_arrow(path: Path, rows: pa.Table, stamp: Mapping[str, Any]) -> None:
    """Write Arrow columns as `write_table` writes those of a frame."""
    names = sorted(rows.column_names, key=_PLACES.__getitem__)
    columns = [(name, *COLUMNS[name]) for name in names]
    fields = [pa.field(name, kind, metadata={"description": text}) for name, kind, text in columns]
    table = rows.select(names).cast(pa.schema(fields))
    with replacing(path) as temporary:
        with temporary.open("wb") as file, pq.ParquetWriter(file, table.schema) as writer:
            writer.write_table(table)
            file.flush()
            digest = _content_hash(table.schema, temporary.read_bytes())
            text = with_blank_seal({**placed(stamp, path), "sha256": digest})
            writer.add_key_value_metadata({STAMP: text})
        with temporary.open("r+b") as written:
            footer = read_footer(written)
            written.seek(-len(footer), os.SEEK_END)
            written.write(seal(footer))


def read_table(path: Path, kind: str, quantities: Sequence[str] | None = None) -> "pd.DataFrame":
    """Read a table of the given kind.

    Args:
        path: the file.
        kind: what it has to be.
        quantities: which rows to read, by the column `quantity`; all of them if None.

    Raises:
        PipelineError: the file is missing, truncated, of another kind, or was altered.
    """
    with _refusing(path, kind):
        return read_arrow(path, kind, quantities)[0].to_pandas()


def read_arrow(
    path: Path, kind: str, quantities: Sequence[str] | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Rows of a table as Arrow columns, and its stamp; otherwise as `read_table`.

    Nothing is read of bytes that were not checked: a footer that was altered can say anything of
    rows, or keep a reader busy for ever.
    """
    with _refusing(path, kind):
        content = Path(path).read_bytes()
        footer = read_footer(io.BytesIO(content))
        _check_footer(footer, lambda: content)
        file = pq.ParquetFile(pa.BufferReader(content))
        stamp, schema = _stamp(file.metadata), file.schema_arrow
    check_kind(path, stamp, kind)
    if stamp.get("sha256") != _content_hash(schema, memoryview(content)[: -len(footer)]):
        raise refusal(path, "does not hold what its stamp says")
    with _refusing(path, kind):
        if quantities is None:
            rows = file.read(use_threads=False)
        else:
            rows = pq.read_table(
                pa.BufferReader(content),
                filters=[("quantity", "in", list(quantities))],
                use_threads=False,
            )
    return rows.replace_schema_metadata(None), stamp


@contextmanager
def _refusing(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a file that is no table of ours makes pyarrow raise into a PipelineError."""
    try:
        yield
    except SealError as error:
        raise refusal(path, f"{error}") from error
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        reason = one_line(error)
        raise refusal(path, f"cannot be read as {kind} ({reason})") from error


def read_table_stamp(path: Path) -> dict[str, Any]:
    """Stamp of a table, without reading or checking its rows.

    Raises:
        PipelineError: the file is no table, or its footer was altered.
    """
    with _refusing(path, "a table"), path.open("rb") as file:
        _check_footer(read_footer(file), path.read_bytes)
        return _stamp(pq.read_metadata(path))


def _check_footer(footer: bytes, content: Callable[[], bytes]) -> None:
    """Raise SealError unless a footer is sealed, or the table is a known one without seals."""
    try:
        check_seal(footer)
    except SealError:
        if hashlib.sha256(content()).hexdigest() not in _unsealed():
            raise


@cache
def _unsealed() -> frozenset[str]:
    lines = UNSEALED.read_text().splitlines() if UNSEALED.exists() else []
    return frozenset(line.partition(" ")[0] for line in lines)


def _stamp(footer: pq.FileMetaData) -> dict[str, Any]:
    return parse_stamp((footer.metadata or {}).get(STAMP.encode(), b"{}").decode())


def _content_hash(schema: pa.Schema, body: bytes | memoryview) -> str:
    """Hash of the columns' names and types, which stand in the footer, and of all before it."""
    columns = [(field.name, str(field.type)) for field in schema]
    return hashlib.sha256(f"{columns}".encode() + body).hexdigest()


def read_tables(paths: Iterable[Path], kind: str) -> "pd.DataFrame":
    """Rows of many tables of one kind."""
    return concatenate([read_arrow(path, kind)[0] for path in paths]).to_pandas()


def concatenate(parts: Sequence[pa.Table]) -> pa.Table:
    """Rows of all parts in their order; a column that a part lacks is empty there."""
    return pa.concat_tables(parts, promote_options="permissive")
