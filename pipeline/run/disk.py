"""How much disk the checkpoints of a run take."""

from collections.abc import Mapping, Sequence

from pipeline.base.labels import Cell, parse_replicas
from pipeline.config import rhm
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES
from pipeline.stages.parts import load_part

_STATES = 3
"""The last two, and the one that is being written."""
_KEPT = {"sgd": 1, "adam": 2}
"""Numbers that an optimiser keeps of every weight, by its kind: the momentum, or two moments."""


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
    copies = _copies(config, domain)
    return 4 * copies * sum(weight.numel() for weight in network.parameters())


def _copies(config: Config, domain: str) -> int:
    """Weights, and averages of them."""
    return 1 + len(config.domain(domain).training.average_decays)


def _state_size(config: Config, domain: str) -> float:
    """Size of a state that training goes on from, in checkpoints, which lack the optimiser's."""
    training, copies = config.domain(domain).training, _copies(config, domain)
    kind = training.optimizer.kind if isinstance(training, rhm.Training) else "adam"
    return (copies + _KEPT[kind]) / copies


def _describe(config: Config, name: str, cells: Sequence[Cell], jobs: int) -> str:
    domain = config.domain(name)
    shapes = [(cell.setting, len(parse_replicas(cell.replicas))) for cell in cells]
    bytes_of = {
        shape: checkpoint_bytes(config, name, cell)
        for shape, cell in dict(zip(shapes, cells, strict=True)).items()
    }
    sizes = [bytes_of[shape] for shape in shapes]
    steps = len(domain.training.checkpoints)
    files = steps + _STATES * _state_size(config, name)
    largest = max(sizes) * files
    if domain.training.keep_checkpoints:
        bound = f"{_gigabytes(sum(sizes) * files)} in all, kept"
    else:
        flight = f"{_gigabytes(largest)} per trajectory in flight, deleted once sampled"
        bound = f"at most {flight} ({_gigabytes(largest * min(jobs, len(sizes)))} for {jobs} jobs)"
    return f"checkpoints of {len(sizes)} trajectories x {steps} steps: {bound}"


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
