"""Learning curves: which checkpoint counts, what chance and theory say, and intervals of means."""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import stdtrit

from pipeline.analysis import checkpoints
from pipeline.artifacts.tables import SEEDS

GRAMMAR = ["v", "m", "s", "L"]
REPLICA = [*GRAMMAR, *SEEDS]
CELL = [*REPLICA, "dataset_size"]

FEWEST_POINTS = 4
"""Shorter curves cannot carry a fit of three parameters."""


def total_losses(losses: pd.DataFrame, split: str) -> pd.DataFrame:
    """Losses over all noise levels on one split."""
    whole = (losses["noise_low"] == 0) & (losses["noise_high"] == 1)
    return losses[whole & (losses["split"] == split)]


def best_checkpoints(losses: pd.DataFrame) -> pd.DataFrame:
    """Cell and step of the lowest validation loss of every trajectory."""
    columns = [*CELL, "step", "split", "noise_low", "noise_high", "loss"]
    rows = pa.Table.from_pandas(losses[columns], preserve_index=False)
    return checkpoints.best_checkpoints(rows).to_pandas()


def at_best_checkpoint(measurements: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """Measurements at the checkpoint of the lowest validation loss."""
    return measurements.merge(best_checkpoints(losses), on=[*CELL, "step"])


def finite_sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of finite training sets, with `dataset_size` as a number."""
    finite = frame[frame["dataset_size"] != "online"]
    return finite.assign(dataset_size=finite["dataset_size"].astype(int))


def chance_accuracy(quantity: str, v: int, m: int, s: int, L: int, level: int) -> float:
    """Node, string or conditional accuracy of uniformly random strings.

    A tuple is valid with probability f = m / v**(s-1). A level-l subtree has (s**l - 1) / (s - 1)
    tuples, so it is valid with f to that power. The s**(L-l) subtrees of a string are independent.
    Where symbols have fewer rules than m, as `grid.rule_frequencies` may say, chance is lower.
    """
    fraction = m / v ** (s - 1)
    if quantity == "conditional_accuracy":
        return fraction
    subtrees = s ** (L - level) if quantity == "string_accuracy" else 1
    return fraction ** (subtrees * (s**level - 1) / (s - 1))


def predicted_size(v: int, m: int, s: int, level: int) -> float:
    """Dataset size at which level-l rules are learnt, v m**(l+1) / (1 - m / v**(s-1)).

    From equating the signal of tuple-token correlations with their sampling noise, for m equally
    likely rules of every symbol; infinite when every tuple is valid.
    """
    unused = 1 - m / v ** (s - 1)
    return v * m ** (level + 1) / unused if unused > 0 else float("inf")


def all_inside(thresholds: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Thresholds of those groups in which every threshold lies inside the range studied.

    Dropping single replicas instead would keep, near the end of the range, only the early ones.
    """
    inside = (thresholds["status"] == "inside").groupby([thresholds[name] for name in by])
    return thresholds[inside.transform("all")].reset_index(drop=True)


def difference_interval(values: np.ndarray, others: np.ndarray) -> tuple[float, float, float]:
    """Difference of the means of two independent samples and its 95 % interval (Welch's t).

    The first has at least two values. If the second has one, it is taken to vary as the first does.
    Where neither varies, the interval is the difference itself.
    """
    samples = [np.asarray(sample, dtype=float) for sample in (values, others)]
    difference = float(samples[0].mean() - samples[1].mean())
    if len(samples[1]) == 1:
        n = len(samples[0])
        half = stdtrit(n - 1, 0.975) * samples[0].std(ddof=1) * np.sqrt(1 + 1 / n)
        return difference, float(difference - half), float(difference + half)
    squares = np.array([sample.var(ddof=1) / len(sample) for sample in samples])
    if not squares.any():
        return difference, difference, difference
    freedom = squares.sum() ** 2 / sum(
        square**2 / (len(sample) - 1) for square, sample in zip(squares, samples, strict=True)
    )
    half = stdtrit(freedom, 0.975) * np.sqrt(squares.sum())
    return difference, float(difference - half), float(difference + half)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % Student t interval; NaN bounds for a single value."""
    values = np.asarray(values, dtype=float)
    mean, n = values.mean(), len(values)
    if n < 2:
        return float(mean), float("nan"), float("nan")
    half = stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n)
    return float(mean), float(mean - half), float(mean + half)
