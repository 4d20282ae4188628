"""Rules fixed before a run, by which the claims of the paper are decided."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.base.section import Decay, Few, Section, Share


class Claims(Section):
    """What it takes for a claim to be supported, in every domain."""

    margin: Annotated[float, Field(gt=0)]
    """How far from its prediction an exponent may lie, with all of its 95 % interval, for the claim
    that it equals the prediction to be supported; contradicted if all of it lies further off."""
    misfit: Share
    """Least probability, in the test for lack of fit, with which a law can be supported."""
    bootstrap_seeds: Few
    """Seeds of the bootstrap under which every claim is decided."""
    agreeing_seeds: Few
    """Of these, how many have to agree; the claim is undecided otherwise."""
    creativity: Share
    """Least creativity index: valid nodes that are new, over as many as knowing the rules gives."""
    unseen: Share
    """Least share of nodes that are unseen in training for a creativity index to count."""
    valid_and_novel: Share
    """Least share of samples that are valid and novel, of what the exact denoiser reaches."""
    copied: Share
    """Largest share of copies at which the length of samples that are novel counts."""
    in_range: Share
    """Least share of replicas that have to tell the order of two levels by half-way points; for
    sensitivities to synonyms, least share of half-way points of a level in the range studied."""

    def _problems(self) -> Iterator[str]:
        if self.agreeing_seeds > self.bootstrap_seeds:
            yield (
                f"agreeing_seeds = {self.agreeing_seeds} must be at most "
                f"bootstrap_seeds = {self.bootstrap_seeds}"
            )


class Rules(Claims):
    """Stage `claims`: the section, and what is the domain's."""

    accuracy: str = ""
    """Accuracy that claims about grammars are decided by."""
    bootstrap_samples: int = 0
    """Resamples behind intervals over grammars."""
    average: Decay | None = None
    """Averaged weights, or None for raw ones, whose samples count, of text and images."""


class Missing(Section):
    """Stage `verdicts`."""

    missing: list[str]
    """Labels of cells that are left out."""
