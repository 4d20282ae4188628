"""Seals: every byte of what a file says of itself is hashed, its stamp included.

The header of a safetensors file, the footer of a Parquet table and a JSON document hold a stamp
whose last entry is a `seal`: the SHA-256 of that whole part of the file, with zeros in place of the
seal's own digits. The stamp has the content hash of all the rest, so that the two together cover
the file. A seal is found and checked in plain bytes, before any library is shown them.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.artifacts.files import replacing

_SEAL = "seal"
_BLANK = "0" * 64
_END = 8
"""Bytes after the footer of a table: its length, and a mark."""
_DECODER = json.JSONDecoder()
_MARK = b'"seal'
_PLACE = re.compile(rb'"seal\\?": \\?"([0-9a-f]{64})\\?"')
"""A seal in JSON, or in JSON that is itself a text of another JSON."""


class SealError(ValueError):
    """A part of a file is not as it was sealed; the message goes on from the file's name."""


def with_blank_seal(stamp: Mapping[str, Any]) -> str:
    """A stamp as JSON, with room for the seal of the part of a file that it is going to be in."""
    return json.dumps({**stamp, _SEAL: _BLANK})


def seal(part: bytes) -> bytes:
    """A part of a file with its seal, for which `with_blank_seal` has left room."""
    start, end = _place(part)
    return part[:start] + _digest(part, start, end) + part[end:]


def check_seal(part: bytes) -> None:
    """Raise SealError if a part of a file has no seal, or another one than its bytes yield."""
    start, end = _place(part)
    if part[start:end] != _digest(part, start, end):
        raise SealError("does not hold what its stamp says")


def parse_stamp(text: str, more_follows: bool = False) -> dict[str, Any]:
    """The stamp that a text is, or begins with, less its seal, which is not checked here.

    Raises:
        ValueError: the text is no stamp.
    """
    try:
        stamp = _DECODER.raw_decode(text)[0] if more_follows else json.loads(text)
    except (RecursionError, TypeError) as error:
        raise ValueError("its stamp is no text, or nested too deeply") from error
    if not isinstance(stamp, dict):
        raise ValueError(f"its stamp is a {type(stamp).__name__}")
    stamp.pop(_SEAL, None)
    return stamp


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON document that is sealed as a whole, and whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(seal(with_blank_seal(content).encode()))


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a document that `write_sealed` had written.

    Raises:
        SealError: it was altered, or is another file.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    check_seal(content)
    return parse_stamp(content.decode())


def read_footer(file: BinaryIO) -> bytes:
    """The footer of a table and what follows it, to the end of the file.

    Raises:
        ValueError: the file has no whole footer.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END))
    length = _END + int.from_bytes(file.read(_END)[:4], "little")
    if not _END < length <= size:
        raise ValueError("it has no whole footer")
    file.seek(size - length)
    return file.read()


def _place(part: bytes) -> tuple[int, int]:
    """Where the digits of a seal begin and end; a stamp has it last, whatever else it holds."""
    start = len(part)
    while (start := part.rfind(_MARK, 0, start)) >= 0:
        if found := _PLACE.match(part, start):
            return found.span(1)
    raise SealError("has no seal: it is foreign, was altered, or is of an older version")


def _digest(part: bytes, start: int, end: int) -> bytes:
    blank = part[:start] + _BLANK.encode() + part[end:]
    return hashlib.sha256(blank).hexdigest().encode()
