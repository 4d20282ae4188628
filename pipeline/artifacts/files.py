"""Files and directories that are written whole or not at all; errors say why they cannot be."""

import errno
import glob
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.base.errors import PipelineError

TEMPORARY = ".*.tmp"
"""Glob pattern of files and directories that are being written."""
_OLD = 86400.0
"""Seconds after which what another host has not written to is left over."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of errors for want of space: on the disk, or of the user's share of it."""
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
"""Numbers of errors for want of permission."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    What killed attempts to write this path have left over is deleted.

    Raises:
        PipelineError: the file cannot be written there, or the disk is full.
    """
    path = Path(path)
    with naming_failures(path):
        temporary = _temporary(path)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            mode = path.parent.stat().st_mode & 0o666  # safetensors hides it from the group
            temporary.chmod(mode)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def scratch_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty directory beside `path`, for what is to become it; deleted in the end.

    Otherwise as `replacing`.
    """
    path = Path(path)
    with naming_failures(path):
        directory = _temporary(path)
        directory.mkdir()
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def replacing_directory(output: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes `output` if the block succeeds; else as `replacing`."""
    with scratch_directory(output) as scratch:
        directory = scratch / output.name
        directory.mkdir()
        yield directory
        remove(output)
        directory.rename(output)


@contextmanager
def naming_failures(path: Path) -> Iterator[None]:
    """Say in one line why `path` cannot be written; errors about other files are passed on.

    Raises:
        PipelineError: something at this path or above is in the way, or the disk is full.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:  # tokenizers raises nothing more special
        number = _error_number(error)
        if number in _FULL:
            reason = f"disk full ({error}); free some space"
        elif number is not None and _concerns(error, path):
            remedy = "make this writable" if number in _FORBIDDEN else "move or delete it"
            reason = f"{os.strerror(number)} ({_culprit(error, path)}); {remedy}"
        else:
            raise
        raise PipelineError(f"{path} cannot be written: {reason}, then run again") from error


def remove(path: Path) -> None:
    """Delete a file or a directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """Path to write to before `path` is replaced, in a directory that is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.glob(f".{glob.escape(path.name)}.*.*.tmp"):
        if _is_left_over(other):
            remove(other)
    return path.with_name(f".{path.name}.{_host()}.{os.getpid()}.tmp")


def _is_left_over(temporary: Path) -> bool:
    """Whether nobody writes this any more: its process is gone or, of another host, it is old."""
    *_, host, pid, _ = temporary.name.split(".")
    if host != _host():
        with suppress(FileNotFoundError):  # somebody has just finished it
            return time.time() - temporary.stat().st_mtime > _OLD
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError, OverflowError):
        return False
    return int(pid) == os.getpid()  # of an earlier process that had our number


def _host() -> str:
    return os.uname().nodename.replace(".", "-")


def _error_number(error: Exception) -> int | None:
    """Number of the system's error; libraries written in Rust tell it only in words."""
    if isinstance(error, OSError):
        return error.errno
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else None


def _concerns(error: Exception, path: Path) -> bool:
    """Whether an error is about a path, what is above or below, or its temporary file."""
    named = getattr(error, "filename", None)
    if named is None:
        return not isinstance(error, OSError)
    place = Path(f"{named}")
    beside = place.parent == path.parent and place.name.startswith(f".{path.name}.")
    return beside or place == path or place in path.parents or path in place.parents


def _culprit(error: Exception, path: Path) -> Path:
    """What the user can do something about: the path, or a directory above it that is there."""
    place = Path(f"{getattr(error, 'filename', None)}")
    if _error_number(error) in _FORBIDDEN:
        return next(above for above in path.absolute().parents if above.exists())
    return place if place in path.parents else path
