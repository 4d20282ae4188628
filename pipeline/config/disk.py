"""How much disk the checkpoints of a run take."""

from pipeline.config.grid import cells, checkpoint_bytes
from pipeline.config.schema import Config

_STATE_SIZE = 2
"""A resumable state holds weights and momentum."""


def describe_disk(config: Config) -> str:
    """One line: bytes of all checkpoints, and how they are bounded."""
    domain = config.domains.rhm
    sizes = [checkpoint_bytes(domain, cell) for cell in cells(domain.grid)]
    steps = len(domain.training.checkpoints)
    largest = max(sizes) * (steps + _STATE_SIZE)
    if domain.training.keep_checkpoints:
        total = sum(sizes) * (steps + _STATE_SIZE)
        bound = f"{_gigabytes(total)} in all, kept"
    else:
        bound = f"at most {_gigabytes(largest)} per trajectory in flight, deleted once sampled"
    return f"disk for checkpoints of {len(sizes)} trajectories x {steps} steps: {bound}"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
