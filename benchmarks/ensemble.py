"""Replicas trained together as a batched ensemble, against one after the other."""

from collections.abc import Iterator

import torch

from benchmarks.contest import Contest, Side
from benchmarks.training_case import Case

_REPLICAS, _STEPS = 8, 40
_NOTE = (
    "saves calls, 2 ms a step; products and elementwise work, 0.6 ms a member at width 64, 2 ms at "
    "128, stay"
)


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    for width in (64, 128):
        yield _contest(width)


def _contest(width: int) -> Contest:
    together, alone = Case(width, _REPLICAS), [Case(width) for _ in range(_REPLICAS)]
    return Contest(
        f"{_REPLICAS} replicas, width {width}",
        Side("one ensemble", lambda: together.bare(_STEPS)),
        Side("one after the other", lambda: [case.bare(_STEPS) for case in alone]),
        _REPLICAS * _STEPS,
        "replica steps",
        2.0,
        _NOTE,
    )
