"""Sections that the domains have in common."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.fields import Distinct, Increasing, Positive, Section, Seed

DatasetSize = Positive | Literal["online"]
DatasetSizes = Annotated[list[DatasetSize], Increasing, Distinct, Field(min_length=1)]
Decay = Annotated[float, Field(gt=0, lt=1)]


class Replicas(Section):
    """Repetitions of every experiment."""

    data_seeds: Annotated[list[Seed], Distinct, Field(min_length=1)]
    """One training set per data seed (and grammar seed, where there are grammars)."""
    network_seeds: Annotated[list[Seed], Distinct, Field(min_length=1)]
    """One network (weights, batches, noise) per training set and network seed."""
    replicas_per_job: Positive
    """How many replicas, (grammar seed,) data seed and network seed each, train in one job."""


class Run(Section):
    """What is common to all ways of optimisation."""

    learning_rate: Annotated[float, Field(gt=0)]
    """Highest learning rate; for rhm in units of the width (maximal update parametrisation)."""
    batch_size: Positive
    """Strings per step, over all processes."""
    steps: Positive
    """Where the run, and with it the learning rate schedule, ends."""
    low_discrepancy: bool
    """Spread the noise levels of a batch evenly, else draw each by itself."""
    average_decays: Annotated[list[Decay], Distinct]
    """Decays of moving averages of the weights, kept in every checkpoint beside the weights."""
    checkpoints: Annotated[list[Positive], Increasing, Field(min_length=1)]
    """Steps at which weights are kept, sampled and measured; increasing, at most `steps`."""
    keep_checkpoints: bool
    """Keep weights that were sampled and probed on disk; false deletes them (see README, disk)."""

    @model_validator(mode="after")
    def _checkpoints_within_run(self) -> "Run":
        if self.checkpoints[-1] > self.steps:
            raise ValueError(
                f"checkpoints: {self.checkpoints[-1]} is beyond the end, steps = {self.steps}"
            )
        return self


class Generation(Section):
    """What is common to all ways of sampling."""

    samples: Annotated[int, Field(ge=128)]
    """Strings per checkpoint and replica."""
    average: Decay | None
    """Decay of the averaged weights to sample from, one of training.average_decays; null for the
    weights of the step itself."""
    seed: Seed
    """Seed of the samples; the same at every checkpoint."""


def check_average(training: Run, sampling: Generation) -> None:
    """Raise ValueError unless the averages to sample from are kept."""
    if sampling.average is not None and sampling.average not in training.average_decays:
        raise ValueError(
            f"sampling.average = {sampling.average} must be one of training.average_decays = "
            f"{training.average_decays}"
        )
