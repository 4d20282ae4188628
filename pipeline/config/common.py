"""Sections that the domains have in common."""

import math
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from pipeline.base.cells import DatasetSize, DatasetSizes, Seeds
from pipeline.base.section import Few, Section
from pipeline.sampling.settings import Generation
from pipeline.training.settings import AdamWOptimisation, Extent, Optimisation

_MOST_TRAJECTORIES, _MOST_OF_A_SETTING = 100_000, 3000
"""In all; and of one setting, whose names have to fit a command line: 131,072 bytes on Linux."""


class Replicas(Section):
    """Repetitions of every experiment."""

    data_seeds: Seeds
    """One training set per data seed (and grammar seed, where there are grammars)."""
    network_seeds: Seeds
    """One network (weights, batches, noise) per training set and network seed."""
    replicas_per_job: Few
    """How many replicas, (grammar seed,) data seed and network seed each, train in one job."""


class Grid(Replicas):
    """Which cells are trained: dataset sizes x replicas, each replica in a job of its own."""

    dataset_sizes: DatasetSizes
    """Training set sizes P, blocks of text or images, increasing; "online" reads all there are, and
    begins again only when all were read."""

    def _problems(self) -> Iterator[str]:
        if self.replicas_per_job != 1:
            yield (
                f"replicas_per_job = {self.replicas_per_job} must be 1, as large networks gain "
                "nothing from training together"
            )


class Setting(NamedTuple):
    """What a grid runs over beside dataset sizes and replicas; text and images have one."""

    label: str
    dataset_sizes: list[DatasetSize]


class HasSizes(Protocol):
    """A setting of a grid."""

    @property
    def dataset_sizes(self) -> list[DatasetSize]:
        """Numbers of training strings."""
        ...


class AdamWTraining(Extent, AdamWOptimisation):
    """Optimisation by AdamW, and how far it goes."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        if self.warmup_steps >= self.steps:
            yield (
                f"warmup_steps = {self.warmup_steps} must be below steps = {self.steps}, or the "
                "learning rate never reaches its highest value"
            )


def excesses(section: Section, *limits: tuple[str, str]) -> Iterator[str]:
    """A sentence for each number that exceeds its limit; `limits` are pairs of their places."""
    for place, limit in limits:
        value, most = attrgetter(place, limit)(section)
        if value > most:
            yield f"{place} = {value} must be at most {limit} = {most}"


def grid_problems(settings: Sequence[HasSizes], grid: Replicas) -> Iterator[str]:
    """A sentence if a grid has more trajectories than a workflow can plan."""
    seeds = (getattr(grid, "grammar_seeds", [None]), grid.data_seeds, grid.network_seeds)
    replicas = math.prod(map(len, seeds))
    counts = [len(setting.dataset_sizes) * replicas for setting in settings]
    if sum(counts) > _MOST_TRAJECTORIES:
        yield (
            f"grid: {sum(counts)} trajectories are planned, at most {_MOST_TRAJECTORIES} are "
            "allowed"
        )
    elif max(counts) > _MOST_OF_A_SETTING:
        yield (
            f"grid: {max(counts)} trajectories of one setting are planned, at most "
            f"{_MOST_OF_A_SETTING} are allowed"
        )


def average_problems(training: Optimisation, sampling: Generation) -> Iterator[str]:
    """A sentence for each average to sample from that is not kept."""
    for average in sampling.averages:
        if average is not None and average not in training.average_decays:
            yield (
                f"sampling.averages: {average} must be one of training.average_decays = "
                f"{training.average_decays}"
            )
