"""Files inside the archives of package registries: npm's .tgz, and PyPI's wheels, which are zip."""

import gzip
import hashlib
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.base.errors import PipelineError


def read_members(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an archive's files, in sorted order of the names, one at a time.

    Args:
        path: a gzipped tar archive or a zip archive.
        pattern: glob pattern of whole names, in which `*` also stands for `/`.

    Raises:
        PipelineError: the archive is missing or damaged, or has no such file.
    """
    read = _zip_members if zipfile.is_zipfile(path) else _tar_members
    found = False
    try:
        for member in read(path, pattern):
            found = True
            yield member
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        raise PipelineError(
            f"{path} cannot be read as an archive ({error}); delete it, to be fetched anew"
        ) from error
    if not found:
        raise PipelineError(f"{path} holds no file that matches {pattern}; correct the pattern")


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _zip_members(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if fnmatchcase(name, pattern) and not name.endswith("/"):
                yield name, archive.read(name)


def _tar_members(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Of an unpacked copy on disk: gzip cannot go back to a name that sorts before the last."""
    with tempfile.TemporaryFile() as plain:
        with gzip.open(path) as packed:
            shutil.copyfileobj(packed, plain)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            members = [m for m in archive if m.isfile() and fnmatchcase(m.name, pattern)]
            for member in sorted(members, key=lambda m: m.name):
                if (file := archive.extractfile(member)) is not None:  # as it is, of all files
                    yield member.name, file.read()
