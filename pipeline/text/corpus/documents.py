"""Documents of a source, one after the other, in a fixed order and in flat memory."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.base.choices import Choices
from pipeline.base.errors import PipelineError
from pipeline.sources.archives import read_members
from pipeline.sources.parquet import read_column
from pipeline.sources.settings import DirectorySource, HubSource
from pipeline.text.corpus.plain_text import clean_row, decode_text, not_utf8
from pipeline.text.corpus.tagged import untag
from pipeline.text.settings import PackageSource

Source = PackageSource | DirectorySource | HubSource
_KEY = "domains.text.data.source"
_FORMATS: dict[str, Callable[[str], str]] = {"plain": str, "tagged": untag}
_ROWS = 256
"""Rows of a Parquet file that are in memory at once."""


def read_documents(source: Source, inputs: Sequence[Path]) -> Iterator[str]:
    """Documents that are not blank; one at a time is in memory.

    Args:
        source: section of the config.
        inputs: archives in the order of `packages`; or the files of the directory; or the one
            directory of Parquet files. Files are read in sorted order, rows as they come.

    Raises:
        PipelineError: an input cannot be read, is not UTF-8 or a placeholder of Git LFS, or there
            is no document at all.
    """
    empty = True
    for text in _READERS[source.kind](source, inputs):
        if text and not text.isspace():
            empty = False
            yield text
    if empty:
        raise PipelineError(
            f"{_KEY}: {_describe(source)} has no document that is not blank; correct its files"
        )


def _from_packages(source: PackageSource, inputs: Sequence[Path]) -> Iterator[str]:
    for package, path in zip(source.packages, inputs, strict=True):
        clean = _FORMATS[package.format]
        for name, content in read_members(path, package.files):
            yield clean(decode_text(content, f"{path}, {name}", _KEY))


def _from_directory(_: DirectorySource, inputs: Sequence[Path]) -> Iterator[str]:
    for path in sorted(inputs):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PipelineError(
                f"{path} cannot be read ({error.strerror}); mend it, or leave it out of {_KEY}"
            ) from error
        yield decode_text(content, f"{path}", _KEY)


def _from_hub(source: HubSource, inputs: Sequence[Path]) -> Iterator[str]:
    (directory,) = inputs
    for path, values in read_column(directory, source, _KEY, "texts", _is_text, _ROWS):
        name = f"{path}, a value of {source.column!r}"
        try:
            texts = values.to_pylist()
        except UnicodeDecodeError as error:
            raise not_utf8(name, error, _KEY) from error
        yield from (clean_row(text or "", name, _KEY) for text in texts)  # a missing one is blank


def _is_text(kind: pa.DataType) -> bool:
    """Whether a column holds texts; one without any value has no type."""
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    types = pa.types
    plain = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    return any(is_kind(kind) for is_kind in plain)


def _describe(source: Source) -> str:
    """Name of a source in messages."""
    if isinstance(source, PackageSource):
        return ", ".join(f"{p.name}@{p.version}/{p.files}" for p in source.packages)
    place = source.path if isinstance(source, DirectorySource) else source.dataset
    return f"{place}/{source.files}"


_READERS: Choices[Callable[..., Iterator[str]]] = Choices(
    "source", {"packages": _from_packages, "directory": _from_directory, "hub": _from_hub}
)
