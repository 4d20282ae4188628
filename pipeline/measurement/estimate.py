"""Rows of the measurement table, ratios with standard errors, and the jackknife over blocks."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One measured number.

    Attributes:
        quantity: what was measured.
        estimate: its value.
        standard_error: of the estimate, over independent strings; NaN where it is not defined.
        count: number of cases (denominator) behind it.
        among: over which samples: all, novel_strings, novel_samples or novel_subtrees.
        level: level of the grammar, 1..L, or None.
        distance: tokens or pixels between two positions, or None.
        low: lower 95 % bound over independent strings, where it is not two standard errors below.
        high: upper bound, likewise.
        status: whether the estimate is resolved or only a bound ("at least"), or None.
    """

    quantity: str
    estimate: float
    standard_error: float
    count: int
    among: str = "all"
    level: int | None = None
    distance: float | None = None
    low: float | None = None
    high: float | None = None
    status: str | None = None


@dataclass(frozen=True)
class ImageRow(Row):
    """One number measured on images.

    Attributes:
        layer: block of the encoder, or None for pixels.
        kernel: of the maximum mean discrepancy, or None.
        frequency: cycles per image width, or None.
    """

    layer: int | None = None
    kernel: str | None = None
    frequency: int | None = None


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float, int]:
    """Pooled ratio over strings, its delta-method standard error, and the total denominator.

    The error is NaN if all trials are of one string, which does not tell how strings differ.

    Args:
        numerator: successes of each string, [N].
        denominator: trials of each string, [N].
    """
    trials = int(denominator.sum())
    if trials == 0:
        return float("nan"), float("nan"), 0
    estimate = numerator.sum() / trials
    if np.count_nonzero(denominator) < 2:
        return float(estimate), float("nan"), trials
    residual = numerator - estimate * denominator
    return float(estimate), float(np.sqrt(np.square(residual).sum()) / trials), trials


def block_numbers(samples: int, blocks: int) -> np.ndarray:
    """To which block each of `samples` samples belongs, in order, blocks as even as can be."""
    return np.arange(samples) * blocks // samples


def leaving_out(blocks: int) -> np.ndarray:
    """Weights of blocks, [1 + blocks, blocks]: all of them first, then all but each in turn."""
    return np.concatenate([np.ones((1, blocks)), 1 - np.eye(blocks)])


def jackknife_error(left_out: np.ndarray) -> np.ndarray:
    """Standard error of statistics from their values without each block, [blocks, ...].

    NaN for a single block.
    """
    blocks = len(left_out)
    if blocks < 2:
        return np.full(left_out.shape[1:], np.nan)
    spread = np.square(left_out - left_out.mean(axis=0)).sum(axis=0)
    # Left-out means deviate by only 1 / (blocks - 1) of what their block does: hence the factor.
    return np.sqrt(spread * (blocks - 1) / blocks)
