"""How far a running training is, by the curve that it writes. Standard library only."""

import csv
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.training.names import CURVE, CURVE_COLUMNS

_TAIL = 4096
"""Bytes at the end of a file that have its last line."""


class Reached(NamedTuple):
    """What the last line of a curve says.

    Attributes:
        step: that was reached.
        last_step: at which the training ends.
        seconds_left: until then, as of now.
    """

    step: int
    last_step: int
    seconds_left: float


def last_point(logs: Path, since: float) -> Reached | None:
    """The last point of a training's curve; none if there is none of this attempt.

    Args:
        logs: directory of the training's log.
        since: seconds for which this attempt has run.
    """
    path = logs / CURVE
    with suppress(OSError, ValueError, TypeError, ZeroDivisionError):
        age = time.time() - path.stat().st_mtime
        if age > since:
            return None
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            *_, line = file.read().decode().splitlines()
        row = dict(zip(CURVE_COLUMNS, next(csv.reader([line])), strict=True))
        step, last = int(row["step"]), int(row["last_step"])
        left = (last - step) / float(row["steps_per_second"]) - age
        return Reached(step, last, max(left, 0.0))
    return None
