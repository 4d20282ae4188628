"""Documents of a source, one after the other, in a fixed order and in flat memory."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.corpora.tagged import untag
from pipeline.errors import PipelineError
from pipeline.sources.archives import read_members
from pipeline.sources.parquet import read_column

_KEY = "domains.text.data.source"
_FORMATS = {"plain": str, "tagged": untag}
_ROWS = 256
"""Rows of a Parquet file that are in memory at once."""


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
    for path, values in read_column(directory, source, _KEY, "texts", _is_text, _ROWS):
        try:
            texts = values.to_pylist()
        except UnicodeDecodeError as error:
            raise _not_utf8(f"{path}, a value of {source['column']!r}", error) from error
        yield from (text or "" for text in texts)  # a missing one is a blank one


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


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
