"""Files of a user's own directory that match a glob pattern, and those that only nearly do.

Patterns mean what they mean in a shell: case counts, `*` and `**` stand for no name that begins
with a dot, `**` stands for any number of folders. Links are followed, to files and to folders, but
a file that can be reached in several ways counts once, or held-out data could be trained on.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pipeline.base.errors import PipelineError

_ANY = "**"
_HIDDEN = "hidden"
_CASE = "with a name in other case"
_NOWHERE = "links to nowhere"
_SPECIAL = "neither files nor folders"
_TWICE = "the same file under another name"
_READ = "links to folders that are read already"


@dataclass(frozen=True)
class Listing:
    """What a pattern finds.

    Attributes:
        root: the directory.
        pattern: of names below it.
        files: paths of those that match, in sorted order.
        left_out: names of those that nearly match, by the reason why they do not count.
    """

    root: Path
    pattern: str
    files: tuple[Path, ...]
    left_out: Mapping[str, tuple[str, ...]]

    def describe(self) -> str:
        """One line: how many files there are, and what was left out, each with an example."""
        others = [
            f"{len(names)} {why} ({_legible(names[0])})" for why, names in self.left_out.items()
        ]
        found = f"{len(self.files)} files" if self.files else "no file"
        counted = f"{found} in {self.root} match{'' if self.files else 'es'} {self.pattern!r}"
        return "; left out: ".join([counted, ", ".join(others)] if others else [counted])


class _Progress(NamedTuple):
    """Places in a pattern up to which names may have matched, by three readings of it.

    Attributes:
        strictly: as in a shell.
        hidden: where `*` may stand for a leading dot.
        nearly: where, besides, case does not count.
    """

    strictly: frozenset[int]
    hidden: frozenset[int]
    nearly: frozenset[int]


class _Folder(NamedTuple):
    """A folder to look into: names from the root to it, real path, and how far the pattern is."""

    names: tuple[str, ...]
    place: str
    progress: _Progress


def list_files(root: Path, pattern: str) -> Listing:
    """Look for files.

    Raises:
        PipelineError: a folder, or what a link points to, cannot be read.
    """
    files: list[Path] = []
    left_out: dict[str, list[str]] = {}
    for names, reason in _Walk(root, _Pattern(pattern)).found():
        if reason:
            left_out.setdefault(reason, []).append("/".join(names))
        else:
            files.append(root.joinpath(*names))
    told = {why: tuple(sorted(left_out[why])) for why in sorted(left_out)}
    return Listing(root, pattern, tuple(sorted(files)), told)


class _Pattern:
    """A pattern as steps from name to name, each of which is taken once per folder and place."""

    def __init__(self, pattern: str) -> None:
        # In a shell, [^a] means what only [!a] means to fnmatch.
        self._parts = [part.replace("[^", "[!") for part in PurePosixPath(pattern).parts]
        self.start = _Progress(*(self._with_empty(frozenset([0])),) * 3)

    def after(self, name: str, progress: _Progress) -> _Progress:
        """Places in the pattern after one more name."""
        return _Progress(
            self._step(name, progress.strictly, hidden=False, fold=False),
            self._step(name, progress.hidden, hidden=True, fold=False),
            self._step(name, progress.nearly, hidden=True, fold=True),
        )

    def ends(self, places: frozenset[int]) -> bool:
        """Whether a file may end here."""
        return len(self._parts) in places

    def goes_on(self, places: frozenset[int]) -> bool:
        """Whether files below may match."""
        return any(place < len(self._parts) for place in places)

    def _step(self, name: str, places: frozenset[int], hidden: bool, fold: bool) -> frozenset[int]:
        fitting = (i for i in places if i < len(self._parts))
        fitting = (i for i in fitting if _fits(name, self._parts[i], hidden, fold))
        return self._with_empty(frozenset(i + (self._parts[i] != _ANY) for i in fitting))

    def _with_empty(self, places: frozenset[int]) -> frozenset[int]:
        """Places, and those behind each `**` that is one of them, as it may stand for no folder."""
        reached = set(places)
        for place, part in enumerate(self._parts):
            if place in reached and part == _ANY:
                reached.add(place + 1)
        return frozenset(reached)


class _Walk:
    """One look at all folders that may hold files of a pattern.

    Links wait until all else was read: a file has its own name rather than that of a link. Every
    folder is read once for every place in the pattern, so that links in circles come to an end.
    """

    def __init__(self, root: Path, pattern: _Pattern) -> None:
        self._root, self._pattern = root, pattern
        start = _Folder((), os.path.realpath(root), pattern.start)
        self._folders, self._known = [start], {start[1:]}
        self._linked_folders: list[_Folder] = []
        self._linked_files: list[tuple[tuple[str, ...], str]] = []
        self._counted: set[str] = set()

    def found(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Names of what matches or nearly does, and why it does not count, if it does not."""
        while self._folders or self._linked_folders:
            folder = (self._folders or self._linked_folders).pop()
            for entry in _entries(self._root.joinpath(*folder.names)):
                progress = self._pattern.after(entry.name, folder.progress)
                look = self._folder if _is_folder(entry) else self._file
                yield from look(entry, folder, progress)
        for names, place in sorted(self._linked_files):
            yield names, self._count(place)

    def _folder(
        self, entry: os.DirEntry[str], above: _Folder, progress: _Progress
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        if not self._pattern.goes_on(progress.nearly):
            return
        names = (*above.names, entry.name)
        below = _Folder(names, _place(entry, above), progress)
        if below[1:] not in self._known:
            self._known.add(below[1:])
            (self._linked_folders if entry.is_symlink() else self._folders).append(below)
        elif entry.is_symlink():
            yield names, _READ

    def _file(
        self, entry: os.DirEntry[str], above: _Folder, progress: _Progress
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        if not self._pattern.ends(progress.nearly):
            return
        names, place = (*above.names, entry.name), _place(entry, above)
        if reason := _reason(entry, self._pattern, progress):
            yield names, reason
        elif entry.is_symlink():
            self._linked_files.append((names, place))
        else:
            yield names, self._count(place)

    def _count(self, place: str) -> str:
        """Why a file does not count, or nothing if it now does for the first time."""
        if place in self._counted:
            return _TWICE
        self._counted.add(place)
        return ""


def _place(entry: os.DirEntry[str], above: _Folder) -> str:
    """Real path; that of what is no link needs no look at the disk."""
    return os.path.realpath(entry.path) if entry.is_symlink() else f"{above.place}/{entry.name}"


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with _naming(directory), os.scandir(directory) as entries:
            return sorted(entries, key=lambda entry: entry.name, reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with _naming(Path(entry.path)):
        return Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir()


def _reason(entry: os.DirEntry[str], pattern: _Pattern, progress: _Progress) -> str:
    if not pattern.ends(progress.strictly):
        return _HIDDEN if pattern.ends(progress.hidden) else _CASE
    with _naming(Path(entry.path)):
        if Path(entry.path).is_file():
            return ""
        return _NOWHERE if entry.is_symlink() and not Path(entry.path).exists() else _SPECIAL


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name what cannot be looked at; what is not there is no error."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise PipelineError(
            f"{path} cannot be read ({error.strerror}); give yourself the right to, or "
            "correct path and files of this source in the config"
        ) from error


def _fits(name: str, part: str, hidden: bool, fold: bool) -> bool:
    """Whether one name fits one part of a pattern.

    Args:
        name: of a file or folder.
        part: of the pattern.
        hidden: whether `*` may stand for a leading dot.
        fold: whether case does not count.
    """
    if name.startswith(".") and not part.startswith(".") and not hidden:
        return False
    return fnmatchcase(*(text.casefold() if fold else text for text in (name, part)))


def _legible(name: str) -> str:
    return name if name.isprintable() else repr(name)
