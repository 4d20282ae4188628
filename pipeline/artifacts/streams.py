"""Artifacts larger than memory: written row by row, and read as memory maps.

They are ordinary safetensors artifacts. Room for the header is left at the front of the file and
filled in at the end, when shapes and the content hash are known.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pipeline.artifacts.files import remove, replacing
from pipeline.artifacts.places import placed
from pipeline.artifacts.seals import seal, with_blank_seal
from pipeline.artifacts.tensors import NAMES, STAMP, TYPES, Artifact, read_layout, refusal
from pipeline.base.errors import PipelineError

_HEADER = 1 << 16
_CHUNK = 1 << 20


class TensorStream:
    """Tensors of one file in the order in which they are added."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._layout: dict[str, dict[str, Any]] = {}
        file.write(b" " * (8 + _HEADER))

    def add(self, name: str, rows: Iterable[np.ndarray], shape: tuple[int, ...]) -> int:
        """Write a tensor.

        Args:
            name: of the tensor.
            rows: at least one array; all of one type, written one after the other.
            shape: of the whole, with one -1 for what follows from the number of rows.

        Returns:
            The dimension that stands for -1, or 0 if there is none.
        """
        start, size, dtype = self._file.tell(), 0, None
        for part in rows:
            dtype = part.dtype if dtype is None else dtype
            if part.dtype != dtype:
                raise ValueError(f"{name}: rows of type {part.dtype} after {dtype}")
            self._file.write(np.ascontiguousarray(part).data)
            size += part.size
        if dtype is None:
            raise ValueError(f"{name}: no rows")
        known = int(np.prod([n for n in shape if n != -1]))
        whole = [size // known if n == -1 else n for n in shape]
        if np.prod(whole) != size:
            raise ValueError(f"{name}: {size} numbers do not fill the shape {shape}")
        offsets = [start - 8 - _HEADER, self._file.tell() - 8 - _HEADER]
        self._layout[name] = {"dtype": NAMES[dtype.name], "shape": whole, "data_offsets": offsets}
        return size // known if -1 in shape else 0

    def finish(self, stamp: Mapping[str, Any]) -> None:
        """Fill in the header."""
        self._file.flush()
        digest = _content_hash(Path(self._file.name), self._layout, 8 + _HEADER)
        metadata = {STAMP: with_blank_seal({**stamp, "sha256": digest})}
        header = json.dumps({"__metadata__": metadata, **self._layout}).encode()
        if len(header) > _HEADER:
            raise PipelineError(
                f"a stamp of {len(header)} bytes exceeds {_HEADER}; shorten the texts of the "
                "config or the names that are in it"
            )
        self._file.seek(0)
        self._file.write(seal(_HEADER.to_bytes(8, "little") + header.ljust(_HEADER)))


@contextmanager
def writing(path: Path, stamp: Mapping[str, Any]) -> Iterator[TensorStream]:
    """Write an artifact tensor by tensor, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        stream = TensorStream(file)
        yield stream
        stream.finish(placed(stamp, path))


def map_tensors(path: Path, kind: str) -> Artifact:
    """Like `read_tensors`, but tensors stay on disk until they are used.

    Raises:
        PipelineError: the file is missing, truncated, of another kind, or was altered.
    """
    layout = read_layout(path, kind)
    stamp, start = layout.stamp, layout.start
    if stamp.get("sha256") != _content_hash(path, layout.entries, start):
        raise refusal(path, "does not hold what its stamp says")
    return Artifact({k: _map(path, v, start) for k, v in layout.entries.items()}, stamp, path)


def is_whole(path: Path, kind: str, expected: Mapping[str, Any]) -> bool:
    """Whether an artifact is there as it would be made; one that is not is deleted.

    Args:
        path: the file, which may be one with what was published, and was altered there.
        kind: what it has to be.
        expected: entries that its stamp has to have.
    """
    entries = json.loads(json.dumps(dict(expected)))  # as they come back from a file
    with suppress(PipelineError):
        stamp = map_tensors(path, kind).stamp
        if all(stamp.get(name) == value for name, value in entries.items()):
            return True
    remove(path)
    return False


def _map(path: Path, entry: Mapping[str, Any], start: int) -> np.ndarray:
    shape, offset = tuple(entry["shape"]), start + entry["data_offsets"][0]
    return np.memmap(path, TYPES[entry["dtype"]], "r", offset, shape)


def _content_hash(path: Path, layout: Mapping[str, Mapping[str, Any]], start: int) -> str:
    """As for artifacts held in memory, but read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for name in sorted(layout):
            dtype, shape = TYPES[layout[name]["dtype"]], tuple(layout[name]["shape"])
            digest.update(f"{name}:{dtype}:{shape};".encode())
            begin, end = layout[name]["data_offsets"]
            file.seek(start + begin)
            for done in range(0, end - begin, _CHUNK):
                digest.update(file.read(min(_CHUNK, end - begin - done)))
    return digest.hexdigest()
