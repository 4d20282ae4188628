"""What a directory held when it was fetched: a sealed list of its files and their hashes in it.

A dataset is pinned by a commit, with which files on disk cannot be compared.
"""

from pathlib import Path

from pipeline.artifacts.seals import SealError, read_sealed, write_sealed
from pipeline.base.errors import PipelineError
from pipeline.sources.archives import file_hash

MANIFEST = ".manifest.json"
"""Name of the list."""
_FILES = "sha256"


def write_manifest(directory: Path) -> None:
    """List the files of a directory, in any depth, as they are."""
    write_sealed(directory / MANIFEST, {_FILES: _hashes(directory)})


def check_manifest(directory: Path) -> None:
    """Hold the files of a directory against its list.

    Raises:
        PipelineError: one is missing, new, or another by now, or there is no list.
    """
    try:
        listed, found = read_sealed(directory / MANIFEST)[_FILES], _hashes(directory)
    except SealError as error:
        raise _refusal(directory, f"its {MANIFEST} {error}") from error
    except OSError as error:
        raise _refusal(directory, f"{error.filename}: {error.strerror}") from error
    others = [name for name in listed | found if listed.get(name) != found.get(name)]
    if others:
        raise _refusal(directory, f"{min(others)} is not as it was fetched")


def _hashes(directory: Path) -> dict[str, str]:
    paths = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return {
        path.relative_to(directory).as_posix(): file_hash(path)
        for path in paths
        if path != directory / MANIFEST
    }


def _refusal(directory: Path, reason: str) -> PipelineError:
    return PipelineError(f"{directory} cannot be used ({reason}); delete it, to be fetched anew")
