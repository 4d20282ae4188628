"""Settings of sampling that all domains have."""

from typing import Annotated

from pydantic import Field

from pipeline.base.section import Decay, Distinct, Section, Seed


class Generation(Section):
    """Generation from every checkpoint: what is common to all ways of sampling."""

    samples: Annotated[int, Field(ge=128, le=10**7)]
    """Strings per checkpoint and replica."""
    averages: Annotated[list[Decay | None], Distinct, Field(min_length=1)]
    """Which weights to sample from: decays of averages, of training.average_decays, or null for the
    weights of the step itself. Figures of one kind of weights show the first."""
    seed: Seed
    """Seed of the samples; the same at every checkpoint."""
