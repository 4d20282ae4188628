"""Where in a run an artifact is: its path below the directory of the run, which its stamp repeats.

A run can be renamed, copied or moved as a whole, and a single file out of it. What does not pass is
a file that was put in the place of another one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = "results"
"""Directory of all runs, as `pipeline.stages.paths.RUN` has it."""
WORK = ".work"
"""Directory of workspaces, beside what is published of them."""
PLACE = "place"
"""Key of the place in a stamp."""


def place_of(path: str | Path) -> str | None:
    """Path of an artifact below the directory of its run; none of one that is in no run.

    What is in a workspace has the place that it is published at.
    """
    _, found, inside = f"/{path}".rpartition(f"/{RESULTS}/")
    _run, has_run, place = inside.partition("/")
    if not found or not has_run:
        return None
    home, is_work, kept = place.partition(f"{WORK}/")
    return home + kept.partition("/")[2] if is_work else place


def placed(stamp: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """A stamp with the place of the artifact that it is written to, if that is in a run."""
    place = place_of(path)
    return dict(stamp) if place is None else {**stamp, PLACE: place}


def is_in_place(stamp: Mapping[str, Any], path: str | Path) -> bool:
    """Whether an artifact is where it was made; true if it, or its place, is in no run."""
    place = place_of(path)
    return place is None or stamp.get(PLACE, place) == place
