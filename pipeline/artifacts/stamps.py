"""Which artifacts were made under another spec, told by their stamps alone.

Snakemake remembers specs in `.snakemake`. Where that is lost, as after copying results to another
machine, or was never written, as for a job that ended after its snakemake had been killed, it
trusts every file that is there. The stamps still know.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.artifacts.places import is_in_place
from pipeline.artifacts.seals import check_seal, parse_stamp, read_footer
from pipeline.artifacts.tensors import STAMP, read_header

_IN_FOOTER = re.compile(STAMP + r'[^{]{1,8}(?={"kind": )')
"""What precedes a stamp in a footer: its key, and how long it is."""


def is_stale(path: Path, spec: str) -> bool:
    """Whether an artifact is another than a job of this spec makes at its place, or was altered.

    False for kinds of files that carry no stamp; another output of the same job has one.
    """
    if path.suffix not in _READERS:
        return False
    stamp = sealed_stamp(path)
    return stamp is None or stamp.get("spec") != json.loads(spec) or not is_in_place(stamp, path)


def sealed_stamp(path: Path) -> dict[str, Any] | None:
    """The stamp of an artifact that is not read any further; none if none is there or sealed."""
    if path.suffix not in _READERS:
        return None
    try:
        part, stamp = _READERS[path.suffix](path)
        check_seal(part)
    except (OSError, ValueError):
        return None
    return stamp


def stamped_spec(path: Path) -> dict[str, Any] | None:
    """The spec that an artifact is stamped with, for messages; none if that cannot be read.

    A seal is not asked for, so that artifacts of older versions, which had none, tell theirs too.
    """
    if path.suffix not in _READERS:
        return None
    try:
        spec = _READERS[path.suffix](path)[1].get("spec")
    except (OSError, ValueError):
        return None
    return spec if isinstance(spec, dict) else None


def recorded_paths(metadata: Path) -> set[str]:
    """Paths that Snakemake has a record of, which are the names of its records in base64.

    A name that is too long for the disk is cut into directories, each with an @ before it; one that
    begins with a dot is of a record that is being written. Other files are none of Snakemake's.
    """
    return set(_decoded(metadata))


def _decoded(metadata: Path) -> Iterator[str]:
    for path in metadata.rglob("*"):
        if path.is_file() and path.name[0] != ".":
            parts = path.relative_to(metadata).parts
            with suppress(ValueError):  # as of any name that is no text in base64
                yield urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()


def _read_tensors(path: Path) -> tuple[bytes, dict[str, Any]]:
    with path.open("rb") as file:
        header = read_header(file)
    metadata = parse_stamp(header[8:].decode()).get("__metadata__")
    if not isinstance(metadata, dict):
        raise ValueError("a foreign header")
    return header, parse_stamp(metadata.get(STAMP, "{}"))


def _read_table(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Without a library, which a footer that is not sealed might keep busy for ever."""
    with path.open("rb") as file:
        footer = read_footer(file)
    text = footer.decode(errors="replace")
    before = _IN_FOOTER.search(text)
    if before is None:
        raise ValueError("a foreign footer")
    return footer, parse_stamp(text[before.end() :], more_follows=True)


def _read_document(path: Path) -> tuple[bytes, dict[str, Any]]:
    content = path.read_bytes()
    return content, parse_stamp(content.decode())


def _read_picture(path: Path) -> tuple[bytes, dict[str, Any]]:
    from PIL import Image  # of no use to a job, which starts sooner without

    try:
        with Image.open(path) as picture:
            text = picture.info.get(STAMP, "{}")
    except Exception as error:  # Pillow's errors are of no common type
        raise ValueError(f"no picture ({error})") from error
    return text.encode(), parse_stamp(text)


_READERS: dict[str, Callable[[Path], tuple[bytes, dict[str, Any]]]] = {
    ".parquet": _read_table,
    ".safetensors": _read_tensors,
    ".json": _read_document,
    ".png": _read_picture,
}
"""How the part of a file that is sealed is read, and the stamp in it, by the ending of its name."""
