"""How much disk the checkpoints of a run take."""

from collections.abc import Mapping, Sequence

from pipeline.base.labels import Cell, parse_replicas
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES
from pipeline.stages.parts import load_part

_STATES = 3 * 2
"""Three states, the last two and the one being written, each about two checkpoints: weights, and
what the optimiser keeps."""


def describe_disk(config: Config, cells: Mapping[str, Sequence[Cell]], jobs: int) -> list[str]:
    """A line per domain of `cells`: bytes of checkpoints, and how `jobs` at a time bound them."""
    return [
        f"disk for {name}: {_describe(config, name, of_domain, jobs)}"
        for name, of_domain in cells.items()
    ]


def checkpoint_bytes(config: Config, domain: str, cell: Cell) -> int:
    """Size of one checkpoint of a cell, float32 weights and averages of all its replicas."""
    from pipeline.networks.restore import without_weights  # which takes seconds to import

    settings = SLICES[domain]["train"](config.domain(domain), cell)
    network = without_weights(load_part(domain, "model"), settings)
    copies = 1 + len(config.domain(domain).training.average_decays)
    return 4 * copies * sum(weight.numel() for weight in network.parameters())


def _describe(config: Config, name: str, cells: Sequence[Cell], jobs: int) -> str:
    domain = config.domain(name)
    shapes = [(cell.setting, len(parse_replicas(cell.replicas))) for cell in cells]
    bytes_of = {
        shape: checkpoint_bytes(config, name, cell)
        for shape, cell in dict(zip(shapes, cells, strict=True)).items()
    }
    sizes = [bytes_of[shape] for shape in shapes]
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
