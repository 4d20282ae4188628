"""How long training and sampling of a config take on this machine, told before a run."""

from collections.abc import Iterator, Mapping, Sequence

from pipeline.base.labels import Cell, parse_replicas
from pipeline.config.schema import Config
from pipeline.run.cost import measure_costs


def describe_times(
    config: Config, cells: Mapping[str, Sequence[Cell]], jobs: int, unit: str
) -> Iterator[str]:
    """Two lines per domain of `cells`, and one of all: how much there is to do, and for how long.

    Args:
        config: of the run.
        cells: of every domain.
        jobs: how many trainings, or sampling jobs, run at a time.
        unit: what one of them runs on, such as a core.
    """
    of_all: list[float] = []
    for name, of_domain in cells.items():
        domain, training, sampling = config.domain(name), *job_seconds(config, name, of_domain)
        steps = len(training) * domain.training.checkpoints[-1]
        told = _told(training, jobs, unit)
        yield f"training for {name}: {len(training)} trainings, {steps:,} steps: {told}"
        replicas = sum(len(parse_replicas(cell.replicas)) for cell in of_domain)
        kinds = len(domain.training.checkpoints) * len(domain.sampling.averages)
        samples = replicas * kinds * domain.sampling.samples
        told = _told(sampling, jobs, unit)
        yield f"sampling for {name}: {len(sampling)} jobs, {samples:,} samples: {told}"
        of_all += map(sum, zip(training, sampling, strict=True))
    yield f"training and sampling in all: {_told(of_all, jobs, unit)}"


def job_seconds(
    config: Config, domain: str, cells: Sequence[Cell]
) -> tuple[list[float], list[float]]:
    """Seconds that the training and the sampling job of every cell take, each alone.

    Each shape of network is timed once.
    """
    shapes = [(cell.setting, len(parse_replicas(cell.replicas))) for cell in cells]
    examples = dict(zip(shapes, cells, strict=True))
    checkpoints = config.domain(domain).training.checkpoints
    costs = {shape: measure_costs(config, domain, cell) for shape, cell in examples.items()}
    training = [costs[shape].training.of(checkpoints) for shape in shapes]
    return training, [costs[shape].sampling.of(checkpoints) for shape in shapes]


def _told(seconds: Sequence[float], jobs: int, unit: str) -> str:
    """How long jobs take one after the other, and so many at a time."""
    # Shared evenly, but no sooner than the longest of them ends.
    together = max([sum(seconds) / jobs, *seconds])
    return f"about {_long(sum(seconds))} on one {unit}; {_long(together)} with {jobs} at a time"


def _long(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
