"""Estimates with intervals behind claims: bootstrapped over grammars, or Student's over networks.

Functions return None where there is nothing to read a claim from. Where there is something, but the
data do not determine the number, they return evidence without bounds.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from pipeline.analysis.bootstrap import Interval, Statistic, hierarchical_bootstrap
from pipeline.analysis.curves import GRAMMAR, REPLICA, mean_interval
from pipeline.analysis.exponents import slopes_of
from pipeline.analysis.samples import NETWORK
from pipeline.base.randomness import stream_key
from pipeline.claims.settings import Rules
from pipeline.claims.verdict import Evidence

_RANKS = {"below": 0, "inside": 1, "above": 2}
"""Order of where a threshold may lie; of one that is not converged nothing is known."""


def resampled(
    frame: pd.DataFrame, statistic: Statistic, rules: Rules, key: int,
    transform: Callable[[np.ndarray], np.ndarray] = lambda value: value, objection: str = "",
) -> Evidence:  # fmt: skip
    """A number with its bounds under every seed of the bootstrap.

    Args:
        frame: rows of replicas.
        statistic: of their weights, (samples,).
        rules: how many resamples and seeds.
        key: stream key.
        transform: increasing function of number and bounds.
        objection: see `Evidence`.
    """
    if np.isnan(statistic(np.ones((1, len(frame))))).any():
        return undetermined(frame, "the data do not determine it")
    keys = (stream_key(key, seed) for seed in range(rules.bootstrap_seeds))
    fits = [hierarchical_bootstrap(frame, statistic, rules.bootstrap_samples, k) for k in keys]
    return of_intervals(frame, [Interval(*map(transform, fit)) for fit in fits], objection)


def of_intervals(frame: pd.DataFrame, fits: Sequence[Interval], objection: str = "") -> Evidence:
    """An estimate with its intervals, and the numbers of grammars and replicas in the rows."""
    bounds = [(float(fit.low), float(fit.high)) for fit in fits]
    if not objection and np.isnan(bounds).any():
        objection = "no interval: some setting has one grammar, or too few determine it"
    return of_bounds(float(fits[0].estimate), bounds, _counts(frame), objection)


def of_bounds(
    estimate: float, bounds: Sequence[tuple[float, float]], counts: tuple[int, int], objection: str
) -> Evidence:
    """An estimate with its bounds, or without any if these are one number.

    That is what intervals make of values which are all the same. But as few as there are, they do
    not say that others would be the same, too: a rank correlation of some layers, for example, has
    few values to choose from.

    Args:
        estimate: of the quantity.
        bounds: see `Evidence`; at least one pair.
        counts: of grammars and of replicas.
        objection: see `Evidence`.
    """
    low, high = np.transpose(bounds)
    if np.allclose(low, high, rtol=1e-9, atol=1e-12):  # less is rounding
        bounds = [(float("nan"), float("nan"))]
        objection = objection or "no interval: all give the same value"
    return Evidence(estimate, bounds, *counts, objection)


def undetermined(frame: pd.DataFrame, objection: str) -> Evidence:
    """What there is, and why it says nothing."""
    return Evidence(float("nan"), [], *_counts(frame), objection)


def smallest_ratio(thresholds: pd.DataFrame, rules: Rules, key: int) -> Evidence | None:
    """Geometric mean over replicas of what level l + 1 needs over what level l needs, least over l.

    A replica with a threshold beyond the range has no ratio. If its levels are known to be in order
    all the same, leaving it out makes the mean smaller rather than larger. Nothing is determined if
    one is known not to be in order, or if too few replicas tell the order of some pair of levels.
    """
    pairs = _pairs(thresholds)
    if pairs.empty:
        return None
    rank, above = (pairs[name].map(_RANKS) for name in ("status", "status_above"))
    inside = (rank == 1) & (above == 1)
    told = (inside | (above > rank)).groupby(pairs["level"]).mean() >= rules.in_range
    if (above < rank).any():
        return undetermined(pairs, "some replica has its levels out of order")
    if not inside.any() or not told.all():
        return undetermined(pairs, "too few replicas tell the order of some pair of levels")
    pairs = pairs[inside]
    group = pairs.groupby("level").ngroup().to_numpy()
    level, logs = np.eye(group.max() + 1)[group], pairs["log_ratio"].to_numpy()

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = weights @ level
        with np.errstate(invalid="ignore", divide="ignore"):
            return ((weights * logs) @ level / total).min(axis=1)

    return resampled(pairs, statistic, rules, key, np.exp)


def slope(
    frame: pd.DataFrame, x: Sequence[float], y: Sequence[float], within: list[str], rules: Rules,
    key: int, objection: str = "",
) -> Evidence:  # fmt: skip
    """Least squares with an intercept for every group."""
    found = slopes_of(frame, np.asarray(x, float)[:, None], np.asarray(y, float), within)
    return resampled(frame, lambda w: found(w)[:, 0], rules, key, objection=objection)


def grouped_slope(
    frame: pd.DataFrame, x: np.ndarray, y: np.ndarray, by: list[str], within: list[str],
    rules: Rules, key: int,
) -> Evidence:  # fmt: skip
    """Slope of y on the mean of x over each group: scatter of x within groups does not flatten it.

    (Groups are the instruments of a two-stage least squares.)

    Args:
        frame: rows.
        x: numbers, one a row.
        y: the same.
        by: columns that tell groups apart.
        within: some of these columns; every combination of their values has an intercept.
        rules: how many resamples and seeds.
        key: stream key.
    """
    member, shape = (_membership(frame, names) for names in (by, within))

    def statistic(weights: np.ndarray) -> np.ndarray:
        means = _means(weights, x, member)
        centred = means - _means(weights, means, shape)
        spread = (weights * centred**2).sum(axis=1)
        known = spread > 1e-8  # x are logarithms: less is rounding of equal means
        sums = (weights * centred) @ y  # centring one of the two is enough
        return np.where(known, sums / np.where(known, spread, 1.0), np.nan)

    return resampled(frame, statistic, rules, key)


def _membership(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Which group each row is in, one-hot [rows, groups]."""
    group = frame.groupby(names).ngroup().to_numpy()
    return np.eye(group.max(initial=0) + 1)[group]


def _means(weights: np.ndarray, x: np.ndarray, member: np.ndarray) -> np.ndarray:
    """For every row the weighted mean of x over its group, [samples, rows]."""
    total = weights @ member
    return ((weights * x) @ member / np.where(total > 0, total, 1.0)) @ member.T


def over_networks(slopes: Sequence[float]) -> Evidence:
    """Mean over networks with Student's t interval."""
    estimate, low, high = mean_interval(np.asarray(slopes))
    objection = "" if len(slopes) > 1 else "no interval: there is one network"
    return of_bounds(estimate, [(low, high)], (0, len(slopes)), objection)


def _counts(frame: pd.DataFrame) -> tuple[int, int]:
    """Numbers of grammars and of replicas; for text and images, 0 and the number of networks."""
    if "grammar_seed" not in frame:
        return 0, frame.groupby(NETWORK).ngroups
    seeds = [name for name in REPLICA if name in frame]
    return frame.groupby([*GRAMMAR, "grammar_seed"]).ngroups, frame.groupby(seeds).ngroups


def _pairs(thresholds: pd.DataFrame) -> pd.DataFrame:
    """Successive levels of the same replica, one row each, with the log of their ratio."""
    lower = thresholds[[*REPLICA, "level", "threshold", "status"]]
    upper = lower.assign(level=lower["level"] - 1)
    pairs = lower.merge(upper, on=[*REPLICA, "level"], suffixes=("", "_above"))
    return pairs.assign(log_ratio=np.log(pairs["threshold_above"] / pairs["threshold"]))
