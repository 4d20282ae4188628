"""Settings of estimators that all domains have, and of controls."""

from typing import Annotated

from pydantic import Field

from pipeline.base.section import Increasing, Positive, Resamples, Section, Share


class Errors(Section):
    """How errors and intervals of what is measured of samples come about."""

    jackknife_blocks: Annotated[int, Field(ge=8, le=100_000)]
    """Groups of samples that are left out in turn, or resampled, for errors and intervals."""
    bootstrap_samples: Resamples
    """Resamples behind errors of correlation ratios, and intervals of lengths and times."""
    largest_error: Share
    """Standard error of the correlation ratio up to which a distance counts as resolved."""


class Blocks(Section):
    """Which controls there are of shuffled or exchanged blocks."""

    block_lengths: Annotated[list[Positive], Increasing, Field(min_length=2, max_length=100)]
    """Lengths of the blocks, in tokens, or sides in pixels, that calibrate the coherence length."""


class Controls(Blocks):
    """Stage `controls`: what is common to text and images."""

    samples: Positive
    """Controls of each kind: as many as there are samples."""
    setting: str
    """Tokenizer and context, or set and size of images."""
