"""Images of a source, one after the other, in a fixed order and in flat memory."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow.compute import struct_field

from pipeline.base.choices import Choices
from pipeline.base.errors import PipelineError, one_line
from pipeline.image.dataset.decode import Decoded, Encoded, decode_all
from pipeline.image.dataset.generated import generate_image
from pipeline.image.dataset.sheets import read_sheet
from pipeline.image.settings import GeneratedImages, NpzSource, PackageImages
from pipeline.sources.archives import opened_zip, read_members
from pipeline.sources.parquet import read_column
from pipeline.sources.placeholders import refuse_placeholder_file
from pipeline.sources.settings import DirectorySource, HubSource

Source = PackageImages | NpzSource | HubSource | DirectorySource | GeneratedImages
_KEY = "domains.image.data.source"
_ROWS = 64
"""Rows of a Parquet file that are in memory at once."""


def read_images(source: Source, inputs: Sequence[Path], size: int) -> Iterator[Decoded]:
    """Images of a source, corrupt ones among them.

    Args:
        source: section of the config.
        inputs: the package's archive; or the files of the directory; or the one directory of
            Parquet files; none for generated ones. Files are read in sorted order.
        size: pixels of a side.

    Raises:
        PipelineError: a file that holds many images cannot be read, or they are of a wrong size.
    """
    return _READERS[source.kind](source, inputs, size)


def _from_package(source: PackageImages, inputs: Sequence[Path], size: int) -> Iterator[Decoded]:
    (archive,) = inputs
    labels = np.array(list(chain(*(_labels(archive, name) for name in source.labels))), int)
    count = 0
    for name, content in read_members(archive, source.files):
        keep = None
        if source.classes is not None:
            keep = np.isin(labels[count:], source.classes)
        rows, images = read_sheet(f"{archive}, {name}", content, keep, size)
        count += rows
        yield from (Decoded(f"{name}[{row}]", image) for row, image in images)
    if source.labels and count != len(labels):
        raise PipelineError(
            f"{archive}: {source.files} has {count} images, but {', '.join(source.labels)} "
            f"{len(labels)} labels; correct {_KEY}.files or .labels"
        )


def _labels(archive: Path, pattern: str) -> Iterator[int]:
    for name, content in read_members(archive, pattern):
        try:
            yield from map(int, json.loads(content))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise PipelineError(
                f"{archive}, {name} is no JSON list of classes ({error}); correct {_KEY}.labels"
            ) from error


def _from_npz(_: NpzSource, inputs: Sequence[Path], size: int) -> Iterator[Decoded]:
    for path in sorted(inputs):
        pixels = _batch(path, size).reshape(-1, 3, size, size)
        yield from (Decoded(f"{path.name}[{row}]", image) for row, image in enumerate(pixels))


def _batch(path: Path, size: int) -> np.ndarray:
    """Array `data` of a batch, as it must be for images of this size."""
    try:
        with opened_zip(path), np.load(path, allow_pickle=False) as batch:
            data = batch["data"]
    except Exception as error:  # errors of NumPy, zipfile and zlib are of no common type
        refuse_placeholder_file(path)
        reason = one_line(error)
        raise PipelineError(
            f"{path} cannot be read as a batch of images ({reason}); it must be an .npz file with "
            f"an array data; fetch it anew, or correct {_KEY}.files"
        ) from error
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * size * size:
        raise PipelineError(
            f"{path} has data of type {data.dtype} and shape {data.shape}, not uint8 "
            f"(N, {3 * size * size}) as for domains.image.data.size = {size}; change the size, or "
            "take the set of this size"
        )
    return data


def _from_hub(source: HubSource, inputs: Sequence[Path], size: int) -> Iterator[Decoded]:
    (directory,) = inputs

    def encoded() -> Iterator[Encoded]:
        count, last = 0, None
        for path, values in read_column(directory, source, _KEY, "images", _is_image, _ROWS):
            count, last = (count if path == last else 0), path
            contents = struct_field(values, "bytes") if pa.types.is_struct(values.type) else values
            for row, content in enumerate(contents.to_pylist(), count):
                yield Encoded(f"{path.relative_to(directory)}[{row}]", content)
            count += len(values)

    return decode_all(encoded(), size)


def _is_image(kind: pa.DataType) -> bool:
    """Whether a column holds files of images, plain or as the hub's datasets hold them."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _is_image(kind.field("bytes").type)
    types = pa.types
    plain = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_null)
    return any(is_kind(kind) for is_kind in plain)


def _from_directory(
    source: DirectorySource, inputs: Sequence[Path], size: int
) -> Iterator[Decoded]:
    place = Path(source.path)
    return decode_all((Encoded(f"{p.relative_to(place)}", p) for p in sorted(inputs)), size)


def _generated(source: GeneratedImages, _: Sequence[Path], size: int) -> Iterator[Decoded]:
    for number in range(source.count):
        yield Decoded(f"{number}", generate_image(source.seed, number, size))


_READERS: Choices[Callable[..., Iterator[Decoded]]] = Choices(
    "source",
    {
        "package": _from_package,
        "npz": _from_npz,
        "hub": _from_hub,
        "directory": _from_directory,
        "generated": _generated,
    },
)
