"""Small files that stand in for large ones which were not fetched: of Git LFS and of git-annex."""

from pathlib import Path

from pipeline.base.errors import PipelineError

_LARGEST = 1024
"""Bytes of such a file, at most."""
_MARKS = {
    b"version https://git-lfs.github.com/spec/": ("Git LFS", "git lfs pull"),
    b"version https://hawser.github.com/spec/": ("Git LFS", "git lfs pull"),
    b"/annex/objects/": ("git-annex", "git annex get ."),
    b"../.git/annex/objects/": ("git-annex", "git annex get ."),
    b".git/annex/objects/": ("git-annex", "git annex get ."),
}
"""How they begin, what they are of, and the command that fetches what they stand for."""
_BEFORE = b"\xef\xbb\xbf"
"""A byte order mark, which some programs put before text that they copy."""


def refuse_placeholder(name: str | Path, content: bytes) -> None:
    """Raise PipelineError if the content of a file is that of a placeholder.

    Args:
        name: of the file, for the message.
        content: all of it, or its first 1025 bytes.
    """
    for mark, (origin, command) in _MARKS.items():
        if _beginning(content).startswith(mark) and len(content) <= _LARGEST:
            raise PipelineError(
                f"{name} is a placeholder of {origin}, not the file itself; run `{command}` in its "
                "repository"
            )


def _beginning(content: bytes) -> bytes:
    """Content without what may stand before a placeholder's mark, in however deep a folder."""
    stripped = content.removeprefix(_BEFORE).lstrip()
    while stripped.startswith(b"../../"):
        stripped = stripped[3:]
    return stripped


def refuse_placeholder_file(path: Path) -> None:
    """The same for a file on disk; one that cannot be read is left to its reader."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError:
        return
    refuse_placeholder(path, content)
