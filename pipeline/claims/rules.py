"""Rules by which claims are decided, as a run's config has them."""

from typing import NamedTuple


class Rules(NamedTuple):
    """Sections `claims` and `domains.rhm.analysis` of the config, where every rule is described."""

    margin: float
    misfit: float
    bootstrap_seeds: int
    agreeing_seeds: int
    creativity: float
    unseen: float
    valid_and_novel: float
    copied: float
    in_range: float
    accuracy: str = ""
    """Accuracy that claims about grammars are decided by."""
    bootstrap_samples: int = 0
    """Resamples behind intervals over grammars."""
    average: float | None = None
    """Averaged weights, or None for raw ones, whose samples count, of text and images."""
