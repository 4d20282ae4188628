"""Sections that the domains have in common."""

from typing import Annotated, Literal, NamedTuple

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


class Grid(Replicas):
    """Which cells are trained: dataset sizes x replicas, each replica in a job of its own."""

    dataset_sizes: DatasetSizes
    """Training set sizes P, blocks of text or images, increasing; "online" reads all there are, and
    begins again only when all were read."""

    @model_validator(mode="after")
    def _one_replica_per_job(self) -> "Grid":
        if self.replicas_per_job != 1:
            raise ValueError(
                f"replicas_per_job = {self.replicas_per_job} must be 1, as large networks gain "
                "nothing from training together"
            )
        return self


class Setting(NamedTuple):
    """What a grid runs over beside dataset sizes and replicas; text and images have one."""

    label: str
    dataset_sizes: list[DatasetSize]


class Run(Section):
    """What is common to all ways of optimisation."""

    learning_rate: Annotated[float, Field(gt=0)]
    """Highest learning rate; for rhm in the unit of `learning_rate_unit`."""
    batch_size: Positive
    """Strings per step, over all processes."""
    trajectories: Positive
    """Noisy copies of every string in a step, each at a noise level of its own."""
    steps: Positive
    """Where the run ends, and with it the learning rate schedule (of text: see `cosine_steps`)."""
    compile: bool
    """Compile the network (torch.compile; with CUDA graphs on GPUs): half a minute per job and
    a C++ compiler, for steps that then take less where networks are narrow."""
    low_discrepancy: bool
    """Spread the noise levels of a batch evenly, else draw each by itself."""
    average_decays: Annotated[list[Decay], Distinct]
    """Decays of moving averages of the weights, kept in every checkpoint beside the weights."""
    average_warmup: bool
    """Whether averages have a short memory at first, min(decay, (1 + k) / (10 + k)) at step k; else
    early ones are mostly of initial weights, as those of MD4 are."""
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


class AdamW(Run):
    """Optimisation by AdamW."""

    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of AdamW's mean of gradients."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of AdamW's mean of squared gradients."""
    weight_decay: Annotated[float, Field(ge=0)]
    """Weight decay of AdamW."""
    warmup_steps: Annotated[int, Field(ge=0)]
    """Steps over which the learning rate rises; then it falls as a cosine (text), or stays."""
    gradient_clip: Annotated[float, Field(gt=0)] | None
    """Largest norm of the gradient, which is scaled down to it; null for none."""


class Generation(Section):
    """What is common to all ways of sampling."""

    samples: Annotated[int, Field(ge=128)]
    """Strings per checkpoint and replica."""
    averages: Annotated[list[Decay | None], Distinct, Field(min_length=1)]
    """Which weights to sample from: decays of averages, of training.average_decays, or null for the
    weights of the step itself. Figures of one kind of weights show the first."""
    seed: Seed
    """Seed of the samples; the same at every checkpoint."""


def check_average(training: Run, sampling: Generation) -> None:
    """Raise ValueError unless the averages to sample from are kept."""
    for average in sampling.averages:
        if average is not None and average not in training.average_decays:
            raise ValueError(
                f"sampling.averages: {average} must be one of training.average_decays = "
                f"{training.average_decays}"
            )
