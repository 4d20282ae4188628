"""Estimates behind claims that need more than a row of a table: orders of levels, and slopes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.analysis.bootstrap import hierarchical_bootstrap
from pipeline.analysis.curves import GRAMMAR, REPLICA
from pipeline.analysis.exponents import fit_slopes
from pipeline.claims.verdict import NOTHING, Evidence

_RANKS = {"below": 0, "inside": 1, "above": 2}
"""Order of where a threshold may lie."""


def smallest_ratio(thresholds: pd.DataFrame, samples: int, key: int) -> Evidence:
    """Geometric mean over replicas of what level l + 1 needs over what level l needs, least over l.

    A replica with a threshold beyond the range has no ratio. If its levels are known to be in order
    all the same, leaving it out makes the mean smaller rather than larger. Nothing is determined if
    one is known not to be in order, or if no replica tells the order of some pair of levels.
    """
    pairs = _pairs(thresholds)
    rank, above = (pairs[name].map(_RANKS) for name in ("status", "status_above"))
    inside = (rank == 1) & (above == 1)
    told = (inside | (above > rank)).groupby(pairs["level"]).any()
    if (above < rank).any() or not inside.any() or not told.all():
        return NOTHING
    pairs = pairs[inside]
    level, logs = pairs["level"].factorize()[0], pairs["log_ratio"].to_numpy()

    def statistic(_: pd.DataFrame, weights: np.ndarray) -> float:
        total = np.bincount(level, weights)
        if (total == 0).any():
            return float("nan")
        return (np.bincount(level, weights * logs) / total).min()

    fit = hierarchical_bootstrap(pairs, statistic, samples, key)
    return evidence(pairs, *(np.exp(value) for value in fit))


def slope(
    frame: pd.DataFrame, x: Sequence[float], y: Sequence[float], samples: int, key: int
) -> Evidence:
    """Least squares with an intercept for every replica."""
    fit = fit_slopes(frame, np.asarray(x)[:, None], pd.Series(y), REPLICA, samples, key)
    return NOTHING if fit is None else evidence(frame, *(value[0] for value in fit))


def grouped_slope(
    frame: pd.DataFrame, x: np.ndarray, y: np.ndarray, by: list[str], samples: int, key: int
) -> Evidence:
    """Slope of y on the mean of x over each group, one intercept: scatter of x does not flatten it.

    (Groups are the instruments of a two-stage least squares.)
    """
    group = frame.groupby(by).ngroup().to_numpy()

    def statistic(_: pd.DataFrame, weights: np.ndarray) -> float:
        total = np.bincount(group, weights)
        sums = np.bincount(group, weights * x)
        means = np.divide(sums, total, out=np.zeros(len(total)), where=total > 0)[group]
        centred = means - np.average(means, weights=weights)
        spread = weights @ centred**2
        return float(weights @ (centred * y) / spread) if spread > 1e-8 else float("nan")

    if len(frame) == 0 or np.isnan(statistic(frame, np.ones(len(frame)))):
        return NOTHING
    return evidence(frame, *hierarchical_bootstrap(frame, statistic, samples, key))


def evidence(frame: pd.DataFrame, estimate: float, low: float, high: float) -> Evidence:
    """An interval, and the numbers of grammars and replicas in the rows behind it."""
    grammars = frame.groupby([*GRAMMAR, "grammar_seed"]).ngroups
    replicas = frame.groupby(REPLICA).ngroups
    return Evidence(float(estimate), float(low), float(high), grammars, replicas)


def _pairs(thresholds: pd.DataFrame) -> pd.DataFrame:
    """Successive levels of the same replica, one row each, with the log of their ratio."""
    lower = thresholds[[*REPLICA, "level", "threshold", "status"]]
    upper = lower.assign(level=lower["level"] - 1)
    pairs = lower.merge(upper, on=[*REPLICA, "level"], suffixes=("", "_above"))
    return pairs.assign(log_ratio=np.log(pairs["threshold_above"] / pairs["threshold"]))
