"""Evidence of which features of generated images are right first, shallow or deep ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.samples import NETWORK, shown_samples
from pipeline.claims.evidence import over_networks
from pipeline.claims.settings import Rules
from pipeline.claims.verdict import Evidence

_CURVES = ["quantity", "kernel", "fraction"]


def shallow_first(tables: Mapping[str, pd.DataFrame], rules: Rules, _key: int) -> Evidence | None:
    """Rank correlation of depth with time of convergence, over networks; of the weakest kernel.

    Layers that are there from the first checkpoint, or not by the last, share the first or the last
    rank. Of all kernels and fractions, the one with the lowest lower bound decides, as the claim is
    about all of them; one without bounds counts as the lowest.
    """
    times = shown_samples(tables["convergence"], rules.average)
    found = [
        over_networks([_rank_correlation(network) for _, network in part.groupby(NETWORK)])
        for _, part in times.groupby(_CURVES, dropna=False)
        if part["layer"].nunique() > 1
    ]
    return min(found, key=_strength, default=None)


def _strength(evidence: Evidence) -> tuple[float, float]:
    """Lower bound and estimate; what has no bounds is weaker than all that have."""
    ((low, _),) = evidence.bounds
    return float(np.nan_to_num(low, nan=-np.inf)), evidence.estimate


def _rank_correlation(times: pd.DataFrame) -> float:
    """Spearman's; 0 where all layers converge at the same time."""
    late = times["estimate"].mask(times["status"] == "above", np.inf)
    ranks = late.mask(times["status"] == "below", -np.inf).rank()
    found = ranks.corr(times["layer"].rank())
    return 0.0 if np.isnan(found) else float(found)
