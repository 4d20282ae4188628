"""A column of the Parquet files of a directory, some rows at a time."""

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.base.errors import PipelineError, one_line
from pipeline.sources.manifests import MANIFEST
from pipeline.sources.placeholders import refuse_placeholder_file
from pipeline.sources.settings import HubSource

_BUFFER = 1 << 20
"""Bytes of a column that are read ahead."""


def read_column(
    directory: Path,
    source: HubSource,
    key: str,
    what: str,
    accepts: Callable[[pa.DataType], bool],
    rows: int,
) -> Iterator[tuple[Path, "pa.Array[Any]"]]:
    """Values of a column with the file that they are of; files in sorted order.

    Args:
        directory: holds the files.
        source: glob pattern `files` of their names, and the `column`.
        key: section of the config that is `source`.
        what: what the values are, for messages.
        accepts: whether a type is that of such values.
        rows: values at once.

    Raises:
        PipelineError: a file cannot be read or has no such column.
    """
    for path in sorted(directory.rglob("*")):
        matches = fnmatchcase(f"{path.relative_to(directory)}", source.files)
        if path.is_file() and matches and path.name != MANIFEST:
            try:
                with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
                    types = {field.name: field.type for field in file.schema_arrow}
                    fitting = [name for name, kind in types.items() if accepts(kind)]
                    _check_column(path, source.column, types, fitting, key, what)
                    for batch in file.iter_batches(rows, columns=[source.column]):
                        yield path, batch.column(0)
            except PipelineError:
                raise
            except Exception as error:  # errors of pyarrow are of no common type
                refuse_placeholder_file(path)
                reason = one_line(error)
                raise PipelineError(
                    f"{path} cannot be read as Parquet ({reason}); delete its directory, to be "
                    "fetched anew"
                ) from error


def _check_column(
    path: Path,
    column: str,
    types: Mapping[str, pa.DataType],
    fitting: list[str],
    key: str,
    what: str,
) -> None:
    if column not in fitting:
        found = f" but one of type {types[column]}" if column in types else ""
        raise PipelineError(
            f"{path} has no column {column!r} of {what}{found}; "
            + (
                f"set {key}.column to one of {fitting}"
                if fitting
                else f"nor has it any other; choose other files in {key}"
            )
        )
