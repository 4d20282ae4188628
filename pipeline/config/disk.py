"""How much disk the checkpoints of a run take."""

from pipeline.config.grid import cells, checkpoint_bytes
from pipeline.config.schema import Config

_STATES = 3 * 2
"""Weights and momentum, in the last two resumable states and in the one that is being written."""


def describe_disk(config: Config, jobs: int) -> str:
    """One line: bytes of all checkpoints, and how they are bounded with `jobs` at a time."""
    domain = config.domains.rhm
    sizes = [checkpoint_bytes(domain, cell) for cell in cells(domain.grid)]
    steps = len(domain.training.checkpoints)
    largest = max(sizes) * (steps + _STATES)
    if domain.training.keep_checkpoints:
        total = sum(sizes) * (steps + _STATES)
        bound = f"{_gigabytes(total)} in all, kept"
    else:
        flight = f"{_gigabytes(largest)} per trajectory in flight, deleted once sampled"
        bound = f"at most {flight} ({_gigabytes(largest * min(jobs, len(sizes)))} for {jobs} jobs)"
    return f"disk for checkpoints of {len(sizes)} trajectories x {steps} steps: {bound}"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
