"""Whether the files of a directory are those that they were: a hash of their names and contents.

Times alone do not tell: a copy may keep an old time, and a touch changes nothing. Files are read
once, as Git does it: a file whose size, times, and number on the disk are known is not read again.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.artifacts.seals import read_sealed, write_sealed
from pipeline.base.canonical import short_hash
from pipeline.base.errors import PipelineError
from pipeline.base.section import Section
from pipeline.sources.archives import file_hash
from pipeline.sources.directory import Listing, list_files
from pipeline.sources.settings import OwnFiles

_KNOWN = Path(".snakemake/contents")
"""Where hashes are kept, below the working directory."""
_FILES = "files"
_SETTLED = 2.0
"""A file that changed less than so many seconds ago may change again and keep its time, so that its
hash is not kept."""
_UNREADABLE = "unreadable"
"""In place of a hash; the stage that reads the file says why."""


def content_hash(listing: Listing) -> str:
    """Hash of the names of files, below their directory, and of what they hold."""
    store = _KNOWN / f"{short_hash([str(listing.root.absolute()), listing.pattern])}.json"
    known = _read(store)
    hashes, kept, now = {}, {}, time.time()
    for path in listing.files:
        name, identity = str(path.relative_to(listing.root)), _identity(path)
        same = identity and known.get(name, [None])[0] == identity
        hashes[name] = known[name][1] if same else _hash(path)
        if identity and hashes[name] != _UNREADABLE and now - identity[2] / 1e9 > _SETTLED:
            kept[name] = [identity, hashes[name]]
    if kept != known:
        # Without it, files are read again: a disk that cannot be written is told elsewhere.
        with suppress(PipelineError):
            write_sealed(store, {_FILES: kept})
    return short_hash(hashes)


def planned_files(source: Section, content: str | None) -> list[Path]:
    """Files of a user's own directory, which may be too many for a command line; they are counted.

    Args:
        source: where data come from.
        content: hash of the files when the workflow was planned; none if there are no own files.

    Raises:
        PipelineError: they are not those that were there when the workflow was planned.
    """
    if content is None or not isinstance(source, OwnFiles):
        return []
    found = list_files(Path(source.path), source.files)
    print(found.describe(), file=sys.stderr)
    if content_hash(found) != content:
        raise PipelineError(
            f"files in {source.path} changed after the workflow was planned; run snakemake again"
        )
    return list(found.files)


def _identity(path: Path) -> list[int]:
    """Size, time of content, time of any change, which no program can set, and number."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _hash(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return _UNREADABLE


def _read(store: Path) -> dict[str, list[Any]]:
    try:
        return read_sealed(store)[_FILES]
    except (OSError, ValueError):
        return {}
