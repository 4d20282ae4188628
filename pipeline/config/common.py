"""Sections that the domains have in common."""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from pipeline.config.fields import Distinct, Few, Increasing, Positive, Section, Seed

DatasetSize = Positive | Literal["online"]
DatasetSizes = Annotated[
    list[DatasetSize], Increasing, Distinct, Field(min_length=1, max_length=1000)
]
Seeds = Annotated[list[Seed], Distinct, Field(min_length=1, max_length=1000)]
_MOST_TRAJECTORIES, _MOST_OF_A_SETTING = 100_000, 3000
"""In all; and of one setting, whose names a command line has to hold, of 131,072 bytes on Linux."""
Decay = Annotated[float, Field(gt=0, lt=1)]


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


class Run(Section):
    """What is common to all ways of optimisation."""

    learning_rate: Annotated[float, Field(gt=0)]
    """Highest learning rate; for rhm in the unit of `learning_rate_unit`."""
    batch_size: Annotated[int, Field(gt=0, le=2**20)]
    """Strings per step, over all processes."""
    trajectories: Few
    """Noisy copies of every string in a step, each at a noise level of its own."""
    steps: Positive
    """Steps up to which there may be checkpoints, and where a learning rate that falls is 0 (of
    text: see `cosine_steps`). At a constant rate, more steps go on from those that were made."""
    compile: bool
    """Compile the network (torch.compile; on a GPU, in one process and without accumulation,
    gradients as a CUDA graph): half a minute per job and a C++ compiler, for steps that then take
    less where networks are narrow."""
    low_discrepancy: bool
    """Spread the noise levels of a batch evenly, else draw each by itself."""
    average_decays: Annotated[list[Decay], Distinct]
    """Decays of moving averages of the weights, kept in every checkpoint beside the weights."""
    average_warmup: bool
    """Whether averages have a short memory at first, min(decay, (1 + k) / (10 + k)) at step k; else
    early ones are mostly of initial weights, as those of MD4 are."""
    checkpoints: Annotated[list[Positive], Increasing, Field(min_length=1, max_length=1000)]
    """Steps at which weights are kept, sampled and measured; increasing, at most `steps`."""
    keep_checkpoints: bool
    """Keep weights that were sampled and probed on disk, and what further checkpoints and steps go
    on from; false deletes both, so that these train from step 0 (see README, disk)."""

    def _problems(self) -> Iterator[str]:
        if self.checkpoints[-1] > self.steps:
            yield f"checkpoints: {self.checkpoints[-1]} is beyond the end, steps = {self.steps}"


class AdamW(Run):
    """Optimisation by AdamW."""

    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of AdamW's mean of gradients."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of AdamW's mean of squared gradients."""
    weight_decay: Annotated[float, Field(ge=0)]
    """Weight decay of AdamW."""
    warmup_steps: Annotated[int, Field(ge=0)]
    """Steps over which the learning rate rises, fewer than `steps`; then it falls as a cosine
    (text), or stays."""
    gradient_clip: Annotated[float, Field(gt=0)] | None
    """Largest norm of the gradient, which is scaled down to it; null for none."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        if self.warmup_steps >= self.steps:
            yield (
                f"warmup_steps = {self.warmup_steps} must be below steps = {self.steps}, or the "
                "learning rate never reaches its highest value"
            )


class Generation(Section):
    """What is common to all ways of sampling."""

    samples: Annotated[int, Field(ge=128, le=10**7)]
    """Strings per checkpoint and replica."""
    averages: Annotated[list[Decay | None], Distinct, Field(min_length=1)]
    """Which weights to sample from: decays of averages, of training.average_decays, or null for the
    weights of the step itself. Figures of one kind of weights show the first."""
    seed: Seed
    """Seed of the samples; the same at every checkpoint."""


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


def average_problems(training: Run, sampling: Generation) -> Iterator[str]:
    """A sentence for each average to sample from that is not kept."""
    for average in sampling.averages:
        if average is not None and average not in training.average_decays:
            yield (
                f"sampling.averages: {average} must be one of training.average_decays = "
                f"{training.average_decays}"
            )
