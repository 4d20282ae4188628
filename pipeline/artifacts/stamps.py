"""Which artifacts were made under another spec, told by their stamps alone.

Snakemake remembers specs in `.snakemake`. Where that is lost, as after copying results to another
machine, or was never written, as for a job that ended after its snakemake had been killed, it takes
every file that is there for good. The stamps still know.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from safetensors import SafetensorError, safe_open

from pipeline.artifacts.tables import read_table_stamp
from pipeline.artifacts.tensors import STAMP


def is_stale(path: Path, spec: str) -> bool:
    """Whether an artifact is stamped with another spec than this, or its stamp cannot be read.

    False for kinds of files that carry no stamp; another output of the same job has one.
    """
    return path.suffix in _READERS and stamped_spec(path) != json.loads(spec)


def stamped_spec(path: Path) -> dict[str, Any] | None:
    """The spec that an artifact is stamped with; none if it has no stamp that can be read."""
    if path.suffix not in _READERS:
        return None
    try:
        return _READERS[path.suffix](path).get("spec")
    except (SafetensorError, UnidentifiedImageError, OSError, ValueError):
        return None


def recorded_paths(metadata: Path) -> set[str]:
    """Paths that Snakemake has a record of, which are the names of its records in base64.

    A name that is too long for the disk is cut into directories, each with an @ before it; one that
    begins with a dot is of a record that is being written.
    """
    records = (path for path in metadata.rglob("*") if path.is_file())
    names = (path.relative_to(metadata).parts for path in records if path.name[0] != ".")
    encoded = ("".join(part.removeprefix("@") for part in parts) for parts in names)
    return {urlsafe_b64decode(name).decode() for name in encoded}


def _stamp_of_tensors(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="numpy") as file:
        return json.loads((file.metadata() or {}).get(STAMP, "{}"))


def _stamp_of_picture(path: Path) -> dict[str, Any]:
    with Image.open(path) as picture:
        return json.loads(picture.info.get(STAMP, "{}"))


_READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".parquet": read_table_stamp,
    ".safetensors": _stamp_of_tensors,
    ".png": _stamp_of_picture,
}
"""How stamps are read, by the ending of a file's name."""
