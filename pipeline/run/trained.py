"""Which cells have been trained, told by what is on disk. Standard library only."""

import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.base.labels import REPLICAS_PATTERN, Cell, parse_replicas, replica_label
from pipeline.training.names import PATTERN, state_name

LOSSES = "losses.parquet"
"""What training writes last, in the directory of a cell."""


def trained_cells(root: Path) -> list[Cell]:
    """Cells whose training has ended, or has saved a state to go on from; the latest first.

    A state is enough, because Snakemake deletes the other outputs when it trains a cell again.

    Args:
        root: directory of a run and domain, which may not be there.
    """
    found = [
        (_changed(trace), cell)
        for cell, directory in _directories(root)
        if (trace := last_trace(directory)) is not None
    ]
    latest_first = sorted(found, key=lambda item: (-item[0], item[1].label))
    return [cell for _, cell in latest_first]


def last_trace(directory: Path) -> Path | None:
    """What tells that a cell was trained: its losses, else its last state; none if it was not."""
    losses = directory / LOSSES
    if losses.exists():
        return losses
    try:
        states = list(directory.glob(PATTERN + state_name("*")))
    except FileNotFoundError:  # a training has just removed them, which writes its losses before
        return losses if losses.exists() else None
    return max(states, key=_changed, default=None)


def _changed(path: Path) -> int:
    """When a file was last changed, in nanoseconds; 0 if a training has just removed it."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _directories(root: Path) -> Iterator[tuple[Cell, Path]]:
    """Directories that are named as cells are."""
    for directory in root.glob("*/P*/*"):
        *_, setting, size, label = directory.parts
        if re.fullmatch(REPLICAS_PATTERN, label):
            replicas = parse_replicas(label)
            if replica_label(replicas) == label and len({*replicas}) == len(replicas):
                yield Cell(setting, size.removeprefix("P"), label), directory
