"""What a plan trains anew although it was trained before: told before anything is discarded."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.labels import Cell, Replica, parse_replicas
from pipeline.run.trained import last_trace, trained_cells
from pipeline.training.names import PATTERN, checkpoint_name, losses_name, state_name, steps_of

_REGROUPED = (
    "they were trained together with replicas that the config no longer names or that another "
    "group has; seeds that are put back keep them"
)
_NOTHING_LEFT = (
    "nothing is left that they could go on from, as with training.keep_checkpoints = false; true "
    "keeps it"
)


class Training(NamedTuple):
    """A training of the plan.

    Attributes:
        root: directory of its run and domain.
        cell: what is trained.
        steps: of all its checkpoints.
        spec: of the job, as canonical JSON.
    """

    root: Path
    cell: Cell
    steps: frozenset[int]
    spec: str


def trained_anew(trainings: Iterable[Training]) -> list[str]:
    """A line for every run, domain and reason for which trained replicas begin again at step 0.

    Code is not looked at: of trainings that only another code makes stale, nothing is said here.
    """
    trainings = list(trainings)
    before = {root: _Before.of(root) for root in {training.root for training in trainings}}
    counts: dict[tuple[Path, str], list[int]] = {}
    for training in trainings:
        for reason, replicas in _lost(training, before[training.root]):
            counts.setdefault((training.root, reason), []).append(replicas)
    return [
        f"{root}: {sum(numbers)} trained replicas, in {len(numbers)} trainings, are trained anew "
        f"from step 0: {reason}"
        for (root, reason), numbers in sorted(counts.items())
    ]


class _Before(NamedTuple):
    """Cells of a run and domain that were trained, and their replicas by setting and size."""

    cells: set[Cell]
    replicas: dict[tuple[str, str], set[Replica]]

    @classmethod
    def of(cls, root: Path) -> "_Before":
        cells = set(trained_cells(root))
        replicas: dict[tuple[str, str], set[Replica]] = defaultdict(set)
        for cell in cells:
            replicas[cell.setting, cell.dataset_size] |= _replicas(cell)
        return cls(cells, replicas)


def _lost(training: Training, before: _Before) -> Iterator[tuple[str, int]]:
    """Why, and how many replicas of a training had been trained and begin again; or nothing."""
    cell, replicas = training.cell, _replicas(training.cell)
    if cell not in before.cells:
        if lost := replicas & before.replicas.get((cell.setting, cell.dataset_size), set()):
            yield _REGROUPED, len(lost)
        return
    home = training.root / cell.label
    made, planned = _spec_of(last_trace(home)), json.loads(training.spec)
    if not made:
        yield "what they were trained with cannot be read", len(replicas)
    elif keys := sorted(_differences(made["settings"], planned["settings"])):
        yield f"they were trained with another {', '.join(keys)}", len(replicas)
    elif made["code"] == planned["code"] and (reason := _why_from_nothing(home, training.steps)):
        yield reason, len(replicas)


def _replicas(cell: Cell) -> set[Replica]:
    return set(parse_replicas(cell.replicas))


def _spec_of(trace: Path | None) -> dict[str, Any]:
    """Spec under which a trace of training was made; empty if that cannot be read."""
    if trace is None:  # somebody has just removed it
        return {}
    from pipeline.artifacts.stamps import stamped_spec  # numpy, which most plans do not need

    spec = stamped_spec(trace) or {}
    return spec if isinstance(spec.get("settings"), dict) and "code" in spec else {}


def _differences(
    one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = ""
) -> Iterator[str]:
    """Dotted keys of nested settings whose values differ."""
    for key in one.keys() | other.keys():
        left, right = one.get(key), other.get(key)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            yield from _differences(left, right, f"{prefix}{key}.")
        elif left != right or (key in one) != (key in other):
            yield f"{prefix}{key}"


def _why_from_nothing(home: Path, wanted: Iterable[int]) -> str | None:
    """Why training begins at step 0, if it does: it goes on from a state before what is missing."""
    states = _steps(home, state_name("*"))
    kept = _steps(home, checkpoint_name("*")) & _steps(home, losses_name("*"))
    missing = set(wanted) - kept
    if not states:
        return _NOTHING_LEFT
    if missing and min(states) >= min(missing):
        return f"no state from before step {min(missing)}, a further checkpoint, is kept"
    return None


def _steps(home: Path, pattern: str) -> set[int]:
    return steps_of(home.glob(PATTERN + pattern))
