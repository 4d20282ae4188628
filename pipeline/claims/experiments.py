"""Evidence of each experiment: functions of the tables that it left, resamples and a stream key."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.curves import (
    GRAMMAR,
    all_inside,
    at_best_checkpoint,
    finite_sizes,
    predicted_size,
)
from pipeline.analysis.exponents import usable
from pipeline.claims.evidence import grouped_slope, slope, smallest_ratio
from pipeline.claims.thresholds import clustering_thresholds, invariance_thresholds
from pipeline.claims.verdict import NOTHING, Evidence


def level_order(
    sample_complexity: pd.DataFrame, samples: int, key: int, *, variable: str
) -> Evidence:
    """Smallest ratio of successive thresholds in one variable."""
    return smallest_ratio(
        sample_complexity[sample_complexity["variable"] == variable], samples, key
    )


def law_exponent(exponents: pd.DataFrame, _samples: int, _key: int) -> Evidence:
    """Row of the table: the power of its prediction with which P*_l grows."""
    return _single(exponents[exponents["quantity"] == "law_exponent"], ["estimate", "low", "high"])


def law_difference(laws: pd.DataFrame, _samples: int, _key: int, *, law: str) -> Evidence:
    """Row of the table: how much worse than m^(l+1) a law predicts grammars it was not fitted to.

    Both have the factor 1 / (1 - m / v**(s-1)).
    """
    rival = laws["factor"].astype(bool) & (laws["law"] == law)
    bounds = ["difference", "difference_low", "difference_high"]
    return _single(laws[rival & (laws["held_out"] == "grammar")], bounds)


def clustering_slope(
    sample_complexity: pd.DataFrame, theory: pd.DataFrame, samples: int, key: int
) -> Evidence:
    """Power of the sizes at which clustering finds classes of level l - 1 with which P*_l grows.

    Sizes of the very same grammars and training sets, averaged over those of a setting and level.
    """
    networks = usable(sample_complexity, "dataset_size")
    clusters = clustering_thresholds(theory)
    clusters = all_inside(clusters, [*GRAMMAR, "level"])
    clusters = clusters.assign(level=clusters["level"] + 1)
    place = [*GRAMMAR, "grammar_seed", "data_seed", "level"]
    both = networks.merge(clusters[[*place, "threshold"]], on=place, suffixes=("", "_clusters"))
    x, y = (np.log(both[name].to_numpy()) for name in ("threshold_clusters", "threshold"))
    return grouped_slope(both, x, y, [*GRAMMAR, "level"], samples, key)


def coherence_growth(
    measurements: pd.DataFrame, losses: pd.DataFrame, samples: int, key: int
) -> Evidence:
    """Power of P with which the coherence length grows over all finite dataset sizes."""
    frame = _coherence(measurements, losses)
    return slope(frame, np.log(frame["dataset_size"]), np.log(frame["estimate"]), samples, key)


def coherence_exponent(
    measurements: pd.DataFrame, losses: pd.DataFrame, samples: int, key: int
) -> Evidence:
    """The same power in units of ln s / ln m, between the sizes predicted for levels 1 and L."""
    frame = _coherence(measurements, losses)
    growing = [_is_predicted_to_grow(row) for row in frame.itertuples()]
    frame = frame[np.array(growing, dtype=bool)]
    unit = np.log(frame["s"]) / np.log(frame["m"])
    x = unit * np.log(frame["dataset_size"])
    return slope(frame, x, np.log(frame["estimate"]), samples, key)


def invariance_order(
    probes: pd.DataFrame, losses: pd.DataFrame, samples: int, key: int
) -> Evidence:
    """Smallest ratio of the sizes at which successive blocks become invariant to synonyms."""
    best = finite_sizes(at_best_checkpoint(probes, losses))
    return smallest_ratio(invariance_thresholds(best), samples, key)


def copying_exponent(memorization: pd.DataFrame, samples: int, key: int) -> Evidence:
    """Power of P with which the step grows at which copying starts, in all settings together."""
    times = memorization[memorization["quantity"] == "copied_excess"]
    if times.empty:
        return NOTHING
    frame = finite_sizes(all_inside(times, [*GRAMMAR, "dataset_size"]))
    return slope(frame, np.log(frame["dataset_size"]), np.log(frame["threshold"]), samples, key)


def _coherence(measurements: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    best = finite_sizes(at_best_checkpoint(measurements, losses))
    lengths = best[best["quantity"] == "coherence_length"]
    # A length that noise made negative has no logarithm; without it, only longer ones would count.
    positive = (lengths["estimate"] > 0).groupby([lengths[n] for n in (*GRAMMAR, "dataset_size")])
    return lengths[positive.transform("all")]


def _is_predicted_to_grow(row: NamedTuple) -> bool:
    """Whether a dataset size lies where levels from 1 to L are predicted to be learnt in turn."""
    first, last = (predicted_size(row.v, row.m, row.s, level) for level in (1, row.L))
    return row.m > 1 and first <= row.dataset_size <= last


def _single(rows: pd.DataFrame, bounds: list[str]) -> Evidence:
    """Evidence in the only row, if there is one."""
    if rows.empty:
        return NOTHING
    (row,) = rows[[*bounds, "grammars", "replicas"]].itertuples(index=False, name=None)
    return Evidence(*row)
