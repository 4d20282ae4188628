"""Logs of jobs: why one failed, by the last lines of its log. Standard library only."""

import re
from collections import deque
from contextlib import suppress
from pathlib import Path

_LAST_LINES = 5
"""Lines of a failed job's log that are shown."""


def last_lines(path: str | Path, count: int = _LAST_LINES) -> list[str]:
    """Last lines of a text file that are not blank; none if it cannot be read."""
    try:
        with Path(path).open(errors="replace") as file:
            return list(deque((line.rstrip() for line in file if line.strip()), maxlen=count))
    except OSError:
        return []


def error_line(log: str | Path) -> str:
    """The last line of a log if it tells of an error, else nothing."""
    line = "".join(last_lines(log, 1))
    return line if re.match(r"error: |[\w.]*(Error|Exception|Interrupt)\b", line) else ""


def note_failure(log: str, why: str) -> None:
    """Add why a job failed to its log, for one that could not say it itself."""
    with suppress(OSError):  # the disk may be full, which is no reason to end the run
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        with Path(log).open("a") as file:
            file.write(f"error: {why or 'the job ended without an error of its own'}\n")
