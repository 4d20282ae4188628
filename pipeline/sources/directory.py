"""Files of a user's own directory that match a glob pattern, and those that only nearly do.

Patterns mean what they mean in a shell: case counts, `*` and `**` stand for no name that begins
with a dot, `**` stands for any number of folders. Links are followed, to files and to folders,
but not to a folder that holds the link.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pipeline.errors import PipelineError

_ANY = "**"
_HIDDEN = "hidden"
_CASE = "with a name in other case"
_NOWHERE = "links to nowhere"
_LOOP = "links to a folder above them"
_SPECIAL = "neither files nor folders"


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
        others = [f"{len(names)} {why} ({names[0]})" for why, names in self.left_out.items()]
        found = f"{len(self.files)} files" if self.files else "no file"
        counted = f"{found} in {self.root} match{'' if self.files else 'es'} {self.pattern!r}"
        return "; left out: ".join([counted, ", ".join(others)] if others else [counted])


def list_files(root: Path, pattern: str) -> Listing:
    """Look for files.

    Raises:
        PipelineError: a folder cannot be read.
    """
    parts, files, left_out = PurePosixPath(pattern).parts, [], {}
    for names, reason in _walk(root, (), frozenset([os.path.realpath(root)]), parts):
        if reason:
            left_out.setdefault(reason, []).append("/".join(names))
        else:
            files.append(root.joinpath(*names))
    return Listing(
        root, pattern, tuple(sorted(files)), {why: tuple(left_out[why]) for why in sorted(left_out)}
    )


def _walk(
    root: Path, names: tuple[str, ...], above: frozenset[str], parts: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Names of what matches or nearly does, and why it does not count, or nothing if it does."""
    for entry in _entries(root.joinpath(*names)):
        below = (*names, entry.name)
        folder = Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir()
        if not folder:
            if _matches(below, parts, hidden=True, fold=True):
                yield below, _reason(entry, below, parts)
        elif _may_hold(below, parts):
            place = os.path.realpath(entry.path)
            if place in above:
                yield below, _LOOP
            else:
                yield from _walk(root, below, above | {place}, parts)


def _entries(directory: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise PipelineError(
            f"{directory} cannot be read ({error.strerror}); give yourself the right to, or "
            "correct path and files of this source in the config"
        ) from error


def _reason(entry: os.DirEntry, names: tuple[str, ...], parts: tuple[str, ...]) -> str:
    if not _matches(names, parts, hidden=False, fold=False):
        return _HIDDEN if _matches(names, parts, hidden=True, fold=False) else _CASE
    if Path(entry.path).is_file():
        return ""
    return _NOWHERE if entry.is_symlink() and not Path(entry.path).exists() else _SPECIAL


def _may_hold(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether a folder may hold files that match or nearly do."""
    for name, part in zip(names, parts, strict=False):
        if part == _ANY:
            return True
        if not _fits(name, part, hidden=True, fold=True):
            return False
    return len(names) < len(parts)


def _matches(names: tuple[str, ...], parts: tuple[str, ...], hidden: bool, fold: bool) -> bool:
    if not parts:
        return not names
    if parts[0] == _ANY and _matches(names, parts[1:], hidden, fold):
        return True
    rest = parts if parts[0] == _ANY else parts[1:]
    return (
        bool(names)
        and _fits(names[0], parts[0], hidden, fold)
        and _matches(names[1:], rest, hidden, fold)
    )


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
