"""What a killed attempt to write a file leaves beside it."""

import os
from pathlib import Path

_NOBODY = 2**22 + 1
"""A number that no process has."""


def left_over(path: Path, process: int = _NOBODY) -> Path:
    """The temporary file of an attempt at a path, by a process of this machine."""
    host = os.uname().nodename.replace(".", "-")
    return path.with_name(f".{path.name}.{host}.{process}.tmp")
