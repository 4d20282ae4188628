"""Intervals over replicas by a hierarchical bootstrap: grammars, data within, networks within.

Whole replicas are drawn, so rows that share a grammar are never taken for independent ones. But the
percentiles of the resamples alone would have the wrong width (Davison & Hinkley 1997, section 3.8).
The variance of n grammars drawn from n is only (n - 1) / n of that of n drawn afresh. And the
spread between grammars contains that of the seeds within them, which the resamples then add a
second time. So the resamples give only the shape of the interval, and leaving out one grammar at a
time gives its variance. Four grammars determine that variance badly: hence Student's quantile in
the place of the normal one.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from pipeline.analysis.curves import GRAMMAR
from pipeline.artifacts.tables import SEEDS
from pipeline.base.randomness import stream_key, uniforms

MOST_UNDEFINED = 0.2
"""Share of resamples without a value above which there is no interval: a statistic that rests on
one of n grammars is undefined in (1 - 1/n)**n >= 1/4 of them."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""Function of weights (samples, rows), which say how often each row counts in each sample. It gives
values (samples, ...), one set of numbers per sample: NaN where the rows do not determine them."""


class Interval(NamedTuple):
    """A statistic and the bounds of its interval, arrays of the statistic's shape."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def hierarchical_bootstrap(
    frame: pd.DataFrame, statistic: Statistic, samples: int, key: int, confidence: float = 0.95
) -> Interval:
    """Interval of a statistic over grammars, data seeds and network seeds.

    Within every setting (v, m, s, L), which stay fixed, grammars are drawn with replacement, in
    each of them data seeds, in each of those network seeds; all rows of a replica stay together.
    Settings are drawn independently: a grammar seed means another grammar in each.

    Args:
        frame: tidy rows with the columns of a replica; only rows that the statistic uses.
        statistic: of weights of these rows, 0 or more and not always whole; all 1 for the estimate.
        samples: number of resamples.
        key: stream key.
        confidence: nominal coverage.

    Returns:
        The statistic and its bounds. Resamples where it is NaN are left out, so the interval holds
        for samples that determine it; the bounds are NaN where more than `MOST_UNDEFINED` of them
        do not, and where a setting has a single grammar: nothing then says how grammars differ.
    """
    estimate = np.asarray(statistic(np.ones((1, len(frame))))[0], dtype=float)
    # Without rows the least number is NaN, which is not >= 2 either.
    if not (frame.groupby(GRAMMAR)["grammar_seed"].nunique().min() >= 2):
        return Interval(estimate, *np.full((2, *estimate.shape), np.nan))
    values = np.asarray(statistic(resampling_weights(frame, samples, key)), dtype=float)
    undefined = np.isnan(values).mean(axis=0) > MOST_UNDEFINED
    values = np.where(undefined, 0.0, values)
    # From their own mean, not from the estimate: that resamples have fewer distinct grammars shifts
    # some statistics (an error, say), and this shift is no uncertainty.
    deviations = values - np.nanmean(values, axis=0)
    tail = (1 - confidence) / 2
    bounds = np.nanquantile(deviations, [tail, 1 - tail], axis=0)
    bounds = estimate + _scale(frame, statistic, np.nanstd(deviations, axis=0), tail) * bounds
    return Interval(estimate, *np.where(undefined, np.nan, bounds))


def jackknife_interval(
    frame: pd.DataFrame, statistic: Statistic, confidence: float = 0.95
) -> Interval:
    """Student's t interval of a statistic, with its variance from leaving out grammars in turn.

    For statistics that are too slow to resample; it has no seed. Arguments as in
    `hierarchical_bootstrap`, and bounds are NaN where a setting has a single grammar.
    """
    estimate = np.asarray(statistic(np.ones((1, len(frame))))[0], dtype=float)
    if not (frame.groupby(GRAMMAR)["grammar_seed"].nunique().min() >= 2):
        return Interval(estimate, *np.full((2, *estimate.shape), np.nan))
    variance, freedom, least = _variance(frame, statistic)
    freedom = np.where(np.isfinite(freedom), freedom, least)
    half = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance)
    return Interval(estimate, estimate - half, estimate + half)


def with_several_grammars(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of settings with several grammars; all rows if no setting has several.

    One setting with a single grammar would otherwise leave all settings without an interval.
    """
    several = frame.groupby(GRAMMAR)["grammar_seed"].transform("nunique") > 1
    return frame[several] if several.any() else frame


def resampling_weights(frame: pd.DataFrame, samples: int, key: int) -> np.ndarray:
    """How often each row is drawn in each resample, float (samples, rows)."""
    weights = np.zeros((samples, len(frame)))
    for setting, rows in _rows_of_settings(frame).items():
        _draw_within(
            frame, rows, SEEDS, np.ones(samples), stream_key(key, *map(int, setting)), weights
        )
    return weights


def _rows_of_settings(frame: pd.DataFrame) -> dict[tuple[int, ...], np.ndarray]:
    """Places of the rows of every set of grammar parameters."""
    return cast("dict[tuple[int, ...], np.ndarray]", frame.groupby(GRAMMAR).indices)


def _draw_within(
    frame: pd.DataFrame, rows: np.ndarray, nesting: list[str], times: np.ndarray, key: int,
    weights: np.ndarray,
) -> None:  # fmt: skip
    """Fill the weights of rows that share all outer seeds and were drawn `times` (samples,)."""
    if not nesting:
        weights[:, rows] = times[:, None]
        return
    seeds = frame[nesting[0]].to_numpy()[rows]
    children = np.unique(seeds)
    for child, count in zip(children, _counts(times, len(children), key), strict=True):
        inner = stream_key(key, nesting[0], int(child))
        _draw_within(frame, rows[seeds == child], nesting[1:], count, inner, weights)


def _counts(times: np.ndarray, children: int, key: int) -> np.ndarray:
    """How often each child is drawn, (children, samples); each copy of their parent draws anew."""
    draws = np.arange(int(times.max()) * children)
    shares = uniforms(key, np.arange(len(times))[:, None], draws)
    chosen = np.floor(shares * children)
    counted = draws < times[:, None] * children
    return np.stack([(counted & (chosen == c)).sum(axis=1) for c in range(children)])


def _scale(
    frame: pd.DataFrame, statistic: Statistic, spread: np.ndarray, tail: float
) -> np.ndarray:
    """Factor, of the statistic's shape, that corrects deviations of standard deviation `spread`.

    It makes their standard deviation that of the jackknife, and their quantile Student's instead of
    the normal one. Where leaving out a grammar leaves the statistic undefined, the number n of
    grammars of the smallest setting gives the degrees of freedom and the variance's n / (n - 1).
    """
    variance, freedom, least = _variance(frame, statistic)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.sqrt(variance) / spread
    known = np.isfinite(freedom) & np.isfinite(ratio)
    freedom = np.where(known, freedom, least)
    ratio = np.where(known, ratio, np.sqrt((least + 1) / least))
    return ratio * stdtrit(freedom, tail) / ndtri(tail)


def _variance(frame: pd.DataFrame, statistic: Statistic) -> tuple[np.ndarray, np.ndarray, float]:
    """Jackknife variance, its degrees of freedom, and the fewest that any setting has.

    Degrees of freedom by Satterthwaite (1946) from the variance that each setting adds; NaN where
    nothing varies.
    """
    settings = _rows_of_settings(frame).values()
    parts = [_jackknife_variance(frame, statistic, rows) for rows in settings]
    variances = np.stack([variance for variance, _ in parts])
    free = np.array([grammars - 1 for _, grammars in parts], dtype=float)
    least = float(free.min())
    free = free.reshape(-1, *[1] * (variances.ndim - 1))
    total = variances.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = total**2 / (variances**2 / free).sum(axis=0)
    return total, freedom, least


def _jackknife_variance(
    frame: pd.DataFrame, statistic: Statistic, rows: np.ndarray
) -> tuple[np.ndarray, int]:
    """Variance of the statistic due to the grammars in `rows` of one setting, and their number."""
    grammars = frame["grammar_seed"].to_numpy()[rows]
    names = np.unique(grammars)
    count, weights = len(names), np.ones((len(names), len(frame)))
    # The others take its place: a setting must not lose weight against other settings.
    weights[:, rows] = np.where(grammars == names[:, None], 0.0, count / (count - 1))
    # Jackknife: (n - 1) / n times the sum of squares, of which np.var has the 1 / n.
    return (count - 1) * np.var(statistic(weights), axis=0), count
