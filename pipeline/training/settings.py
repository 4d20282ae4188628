"""Settings of training: what decides on the weights, and apart from it how far a run goes."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.cells import Batches, Trained
from pipeline.base.section import Decay, Distinct, Few, Increasing, Positive, Section


class Optimisation(Batches):
    """What is common to all ways of optimisation."""

    learning_rate: Annotated[float, Field(gt=0)]
    """Highest learning rate; for rhm in the unit of `learning_rate_unit`."""
    trajectories: Few
    """Noisy copies of every string in a step, each at a noise level of its own."""
    loss: str
    """One of `pipeline.noise.losses`; every domain says which."""
    compile: bool
    """Compile noise, network and loss (torch.compile; on a GPU, in one process and without
    accumulation, gradients become a CUDA graph), for steps that then take less where networks are
    narrow. It takes half a minute of the first job, some seconds of further ones, and a C++
    compiler; training goes on without it, with a warning, where there is none."""
    low_discrepancy: bool
    """Spread the noise levels of a batch evenly, else draw each by itself."""
    average_decays: Annotated[list[Decay], Distinct]
    """Decays of moving averages of the weights, kept in every checkpoint beside the weights."""
    average_warmup: bool
    """Whether averages have a short memory at first, min(decay, (1 + k) / (10 + k)) at step k; else
    early ones are mostly of initial weights, as those of MD4 are."""

    @property
    def largest_gradient(self) -> float | None:
        """Norm that the gradient is scaled down to if it exceeds it; none for no limit."""
        return None


class AdamWOptimisation(Optimisation):
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

    @property
    def largest_gradient(self) -> float | None:
        """See `Optimisation`."""
        return self.gradient_clip


class Sgd(Section):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"]
    """Optimiser of this kind."""
    momentum: Annotated[float, Field(gt=0, lt=1)]
    """Momentum."""


class Adam(Section):
    """Adam."""

    kind: Literal["adam"]
    """Optimiser of this kind."""
    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the mean of gradients."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the mean of squared gradients."""


class Optimised(Trained):
    """What stage `train` asks of the settings of every domain."""

    training: Optimisation


class Extent(Section):
    """How far a training goes, and what is kept of it: outputs, which no weights depend on."""

    steps: Positive
    """Steps up to which there may be checkpoints, and where a learning rate that falls is 0 (of
    text: see `cosine_steps`). At a constant rate, more steps go on from those that were made."""
    checkpoints: Annotated[list[Positive], Increasing, Field(min_length=1, max_length=1000)]
    """Steps at which weights are kept, sampled and measured; increasing, at most `steps`."""
    keep_checkpoints: bool
    """Keep weights that were sampled and probed on disk, and what further checkpoints and steps go
    on from; false deletes both, so that these train from step 0 (see docs/running.md)."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        if self.checkpoints[-1] > self.steps:
            yield f"checkpoints: {self.checkpoints[-1]} is beyond the end, steps = {self.steps}"
