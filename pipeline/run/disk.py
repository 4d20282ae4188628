"""How much disk the checkpoints of a run take."""

from collections.abc import Mapping, Sequence

from pipeline.base.labels import Cell
from pipeline.config.grid import DomainConfig
from pipeline.config.parameters import checkpoint_bytes
from pipeline.config.schema import Config

_STATES = 3 * 2
"""Weights and what the optimiser keeps, in the last two states and in the one being written."""


def describe_disk(config: Config, cells: Mapping[str, Sequence[Cell]], jobs: int) -> list[str]:
    """A line per domain of `cells`: bytes of checkpoints, and how `jobs` at a time bound them."""
    return [
        f"disk for {name}: {_describe(config.domain(name), of_domain, jobs)}"
        for name, of_domain in cells.items()
    ]


def _describe(domain: DomainConfig, cells: Sequence[Cell], jobs: int) -> str:
    sizes = [checkpoint_bytes(domain, cell) for cell in cells]
    steps = len(domain.training.checkpoints)
    largest = max(sizes) * (steps + _STATES)
    if domain.training.keep_checkpoints:
        bound = f"{_gigabytes(sum(sizes) * (steps + _STATES))} in all, kept"
    else:
        flight = f"{_gigabytes(largest)} per trajectory in flight, deleted once sampled"
        bound = f"at most {flight} ({_gigabytes(largest * min(jobs, len(sizes)))} for {jobs} jobs)"
    return f"checkpoints of {len(sizes)} trajectories x {steps} steps: {bound}"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
