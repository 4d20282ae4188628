"""Artifacts on disk: tensors in safetensors, stamped and written whole or not at all.

A stamp says what an artifact is (`kind`), the `spec` of the job that made it, the content hashes
of its `inputs` and of what these were made from (`lineage`), the software `versions`, its `place`
in the run, and its own `sha256`, that of its tensors. It is sealed together with the header that it
is in. Readers refuse a file that is truncated, of another kind or place, or of which a single bit
is not as it was written.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pipeline.artifacts.files import replacing
from pipeline.artifacts.places import PLACE, is_in_place, placed
from pipeline.artifacts.seals import SealError, check_seal, parse_stamp, seal, with_blank_seal
from pipeline.base.errors import PipelineError, one_line
from pipeline.base.spec import Spec

STAMP = "stamp"
"""Key of the stamp in a file's metadata."""
NAMES = {"bool": "BOOL", "float16": "F16", "float32": "F32", "float64": "F64"}
NAMES |= {f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)}
NAMES |= {f"uint{bits}": f"U{bits}" for bits in (8, 16, 32, 64)}
"""What types of numbers are called in the header, by their names in NumPy."""
TYPES = {code: np.dtype(name) for name, code in NAMES.items()}
_LARGEST_HEADER = 100_000_000
"""Bytes of a header, at most; the library refuses larger ones too."""
_STAMPED_PACKAGES = ("numpy", "torch", "lightning", "tokenizers")


@dataclass(frozen=True)
class Artifact:
    """Tensors read from disk with the stamp they carried, and the file that they are from."""

    tensors: dict[str, np.ndarray]
    stamp: dict[str, Any]
    path: Path

    @property
    def sha256(self) -> str:
        """Content hash, which the stamps of artifacts made from this one repeat."""
        return self.stamp["sha256"]


@dataclass(frozen=True)
class Layout:
    """Header of a file: its stamp, and where every tensor is from its `start` on."""

    stamp: dict[str, Any]
    entries: dict[str, dict[str, Any]]
    start: int


def make_stamp(kind: str, spec: Spec[object], inputs: Mapping[str, str]) -> dict[str, Any]:
    """Stamp of a new artifact, but for the content hash and the place, which its writer adds."""
    versions = {name: version(name) for name in _STAMPED_PACKAGES}
    return {
        "kind": kind,
        "spec": dict(spec.plain),
        "inputs": dict(inputs),
        "lineage": dict(spec.lineage),
        "versions": versions,
    }


def write_tensors(
    path: str | Path, tensors: Mapping[str, np.ndarray], stamp: Mapping[str, Any]
) -> None:
    """Write named arrays and their stamp to a safetensors file, whole or not at all."""
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    stamp = {**placed(stamp, path), "sha256": _content_hash(arrays)}
    with replacing(path) as temporary:
        save_file(arrays, temporary, metadata={STAMP: with_blank_seal(stamp)})
        with temporary.open("r+b") as file:
            header = read_header(file)
            file.seek(0)
            file.write(seal(header))


def read_tensors(path: str | Path, kind: str) -> Artifact:
    """Read an artifact of the given kind.

    Raises:
        PipelineError: the file is missing, truncated, of another kind, or was altered.
    """
    stamp = read_stamp(path, kind)
    with safe_open(path, framework="numpy") as file:
        names = file.keys()
        tensors = {name: file.get_tensor(name) for name in names}
    if stamp.get("sha256") != _content_hash(tensors):
        raise refusal(path, "does not hold what its stamp says")
    return Artifact(tensors, stamp, Path(path))


def read_stamp(path: str | Path, kind: str) -> dict[str, Any]:
    """Stamp of an artifact of the given kind; raises as `read_tensors`, but for altered tensors."""
    return read_layout(path, kind).stamp


def read_layout(path: str | Path, kind: str) -> Layout:
    """What the header of an artifact of the given kind says; raises as `read_stamp`."""
    try:
        with Path(path).open("rb") as file:
            header = read_header(file)
        check_seal(header)
        with safe_open(path, framework="numpy") as whole:  # which looks at the file's size too
            stamp = parse_stamp((whole.metadata() or {}).get(STAMP, "{}"))
    except SealError as error:
        raise refusal(path, f"{error}") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise refusal(path, f"cannot be read as a {kind} ({one_line(error)})") from error
    check_kind(path, stamp, kind)
    entries = {k: v for k, v in json.loads(header[8:]).items() if k != "__metadata__"}
    if unknown := {entry["dtype"] for entry in entries.values()} - TYPES.keys():
        raise refusal(path, f"holds numbers of type {min(unknown)}, which no {kind} does")
    return Layout(stamp, entries, len(header))


def read_header(file: BinaryIO) -> bytes:
    """All that precedes the tensors in a file, from its beginning.

    Raises:
        ValueError: the file ends before, or no header is so long.
    """
    start = file.read(8)
    length = int.from_bytes(start, "little")
    header = file.read(length) if length <= _LARGEST_HEADER else b""
    if len(start) < 8 or len(header) < length:
        raise ValueError("it has no whole header")
    return start + header


def check_kind(path: str | Path, stamp: Mapping[str, Any], kind: str) -> None:
    """Raise PipelineError unless the stamp is one of ours, of this kind and made at this place."""
    if stamp.get("kind") != kind:
        raise refusal(path, f"is not a {kind} of this pipeline but {stamp.get('kind', 'foreign')}")
    check_place(path, stamp)


def check_place(path: str | Path, stamp: Mapping[str, Any]) -> None:
    """Raise PipelineError if an artifact was made at another place of a run than it is at."""
    if not is_in_place(stamp, path):
        raise refusal(path, f"was made as {stamp[PLACE]} and put in another place")


def refusal(path: str | Path, reason: str) -> PipelineError:
    """Error that names an artifact, what is wrong with it and how to make it anew."""
    return PipelineError(
        f"{path} {reason}; rebuild it with: snakemake {path} --forcerun {path} "
        "(and the --profile or --config of this run)"
    )


def _content_hash(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}:{array.dtype}:{array.shape};".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
