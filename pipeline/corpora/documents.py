"""Documents of a source, one after the other, in a fixed order and in flat memory."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpora.archives import read_members
from pipeline.corpora.tagged import untag
from pipeline.errors import PipelineError

_KEY = "domains.text.data.source"
_FORMATS = {"plain": str, "tagged": untag}
_ROWS = 256
"""Rows of a Parquet file that are in memory at once."""
_BUFFER = 1 << 20
"""Bytes of a column that are read ahead."""


def read_documents(source: Mapping, inputs: Sequence[Path]) -> Iterator[str]:
    """Documents that are not blank; one at a time is in memory.

    Args:
        source: settings `domains.text.data.source`.
        inputs: archives in the order of `packages`; or the files of the directory; or the one
            directory of Parquet files. Files are read in sorted order, rows as they come.

    Raises:
        PipelineError: an input cannot be read, is not UTF-8, or there is no document at all.
    """
    empty = True
    for text in _READERS[source["kind"]](source, inputs):
        if text and not text.isspace():
            empty = False
            yield text
    if empty:
        raise PipelineError(
            f"{_KEY}: {_describe(source)} has no document that is not blank; correct its files"
        )


def _from_packages(source: Mapping, inputs: Sequence[Path]) -> Iterator[str]:
    for package, path in zip(source["packages"], inputs, strict=True):
        clean = _FORMATS[package["format"]]
        for name, content in read_members(path, package["files"]):
            yield clean(_decode(content, f"{path}, {name}"))


def _from_directory(_: Mapping, inputs: Sequence[Path]) -> Iterator[str]:
    for path in sorted(inputs):
        yield _decode(path.read_bytes(), f"{path}")


def _from_hub(source: Mapping, inputs: Sequence[Path]) -> Iterator[str]:
    (directory,) = inputs
    for path in sorted(directory.rglob("*")):
        if path.is_file() and fnmatchcase(f"{path.relative_to(directory)}", source["files"]):
            yield from _column(path, source["column"])


def _column(path: Path, column: str) -> Iterator[str]:
    """Texts of a Parquet file; a missing one is a blank one."""
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            _check_column(path, file.schema_arrow, column)
            for rows in file.iter_batches(_ROWS, columns=[column]):
                yield from (text or "" for text in rows.column(0).to_pylist())
    except UnicodeDecodeError as error:
        raise _not_utf8(f"{path}, a value of {column!r}", error) from error
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(
            f"{path} cannot be read as Parquet ({reason}); delete its directory, to be fetched anew"
        ) from error


def _check_column(path: Path, schema: pa.Schema, column: str) -> None:
    texts = [
        f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
    ]
    if column not in texts:
        raise PipelineError(
            f"{path} has no column {column!r} of texts; set {_KEY}.column to one of {texts}"
        )


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(name, error) from error


def _not_utf8(name: str, error: UnicodeDecodeError) -> PipelineError:
    return PipelineError(
        f"{name}: byte {error.start} is not UTF-8 (0x{error.object[error.start]:02x}); "
        f"convert the text to UTF-8, or leave it out of {_KEY}"
    )


def _describe(source: Mapping) -> str:
    """Name of a source in messages."""
    if source["kind"] == "packages":
        return ", ".join(f"{p['name']}@{p['version']}/{p['files']}" for p in source["packages"])
    place = source["path"] if source["kind"] == "directory" else source["dataset"]
    return f"{place}/{source['files']}"


_READERS = {"packages": _from_packages, "directory": _from_directory, "hub": _from_hub}
