"""How far generated sequences correlate like real ones: correlation ratios and a length.

R(t) = <J_generated, J'> / <J_real, J'> at distance t, where J is the joint distribution of two
tokens minus the product of its marginals (see `distance_counts`) and J' is that of further real
sequences: 1 where generated tokens correlate as real ones do, 0 where they do not, or do so in
another way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms
from pipeline.measurement.distance_counts import DistanceCounts, Excess, project
from pipeline.measurement.estimate import Row
from pipeline.measurement.settings import Errors

_INTERVAL = (0.025, 0.975)
_KEY = stream_key("coherence")


@dataclass(frozen=True)
class CorrelationRatios:
    """R(t) with its sampling distribution.

    Attributes:
        distances: t in tokens, int [T], increasing.
        ratios: R(t), [T]; NaN where real tokens do not correlate at all.
        errors: standard errors of R(t), [T].
        resampled: bootstrap replicates of R(t), [S, T].
    """

    distances: np.ndarray
    ratios: np.ndarray
    errors: np.ndarray
    resampled: np.ndarray

    @classmethod
    def of(cls, distances: Sequence[float] | np.ndarray, values: np.ndarray) -> "CorrelationRatios":
        """From R(t) and, below it, its replicates, [S + 1, T]."""
        with np.errstate(invalid="ignore"):
            errors = values[1:].std(axis=0)
        return cls(np.array(distances), values[0], errors, values[1:])


@dataclass(frozen=True)
class Coherence:
    """Equivalent block length of sequences, see `equivalent_block_length`.

    Attributes:
        length: in tokens; NaN if no distance is resolved.
        low: lower end of its 95 % interval, percentiles of the bootstrap.
        high: upper end; lengths beyond the longest that can be reported count as this one.
        standard_error: standard deviation of the bootstrap.
        bound: whether `length` is the longest that can be reported, and the true one at least that.
    """

    length: float
    low: float
    high: float
    standard_error: float
    bound: bool


@dataclass(frozen=True)
class RealCorrelations:
    """Real sequences, counted once for all that generated ones are compared with.

    Attributes:
        symbols: size of the vocabulary.
        distances: t in tokens, increasing.
        directions: J' of some real sequences, at every distance.
        products: <J_real, J'> of further ones, and below it its replicates, [S + 1, T].
    """

    symbols: int
    distances: Sequence[int]
    directions: Sequence[Excess]
    products: np.ndarray

    @classmethod
    def of(
        cls, real: np.ndarray, direction: np.ndarray, symbols: int, distances: Sequence[int],
        errors: Errors, key: int = _KEY,
    ) -> "RealCorrelations":  # fmt: skip
        """Count real sequences.

        Args:
            real: tokens [N', d'].
            direction: tokens [N'', d''] of further real sequences, independent of `real`.
            symbols: size of the vocabulary.
            distances: t in tokens, increasing.
            errors: how errors are estimated, of the section `measurement` of the config.
            key: stream key.

        Raises:
            PipelineError: too few sequences, too large a distance or a foreign token.
        """
        directions = [
            DistanceCounts.of(direction, symbols, distance, 1).excess() for distance in distances
        ]
        blocks = min(errors.jackknife_blocks, len(real))
        weights = resampling_weights(errors.bootstrap_samples, blocks, stream_key(key, "real"))
        products = _projections(real, symbols, distances, directions, weights)
        return cls(symbols, distances, directions, products)


def coherence_rows(
    generated: np.ndarray, real: RealCorrelations, errors: Errors, among: str = "all"
) -> Iterator[Row]:
    """Correlation ratios of generated sequences and their equivalent block length.

    Args:
        generated: tokens [N, d].
        real: what they are compared with.
        errors: how errors are estimated, of the section `measurement` of the config.
        among: which samples these are.
    """
    measured = correlation_ratios(generated, real, errors)
    for row in (
        *ratio_rows(measured, len(generated)),
        length_row(measured, len(generated), errors.largest_error),
    ):
        yield replace(row, among=among)


def ratio_rows(measured: CorrelationRatios, count: int) -> Iterator[Row]:
    """Rows of the ratios of `count` samples."""
    columns = (measured.distances, measured.ratios, measured.errors)
    for distance, ratio, error in zip(*(column.tolist() for column in columns), strict=True):
        yield Row("correlation_ratio", ratio, error, count, distance=distance)


def length_row(
    measured: CorrelationRatios, count: int, largest_error: float | np.ndarray,
    longest: float | None = None,
) -> Row:  # fmt: skip
    """Row of the equivalent block length of `count` samples, see `equivalent_block_length`."""
    found = coherence(measured, largest_error, longest)
    return Row(
        "equivalent_block_length", found.length, found.standard_error, count,
        low=found.low, high=found.high, status=_status(found),
    )  # fmt: skip


def _status(found: Coherence) -> str | None:
    if np.isnan(found.length):
        return None
    return "at least" if found.bound else "resolved"


def correlation_ratios(
    generated: np.ndarray, real: RealCorrelations, errors: Errors, key: int = _KEY
) -> CorrelationRatios:
    """R(t) at every distance, its standard errors and bootstrap replicates.

    Blocks of generated and of real sequences are resampled, the same for all distances. The
    direction J' stays fixed: it is a common factor of numerator and denominator. If J_generated is
    R(t) times the true J, numerator and denominator have this ratio whatever the noise in J', as
    long as J' is independent of both sets. (If J_generated is not proportional to the true J, R(t)
    and its error are those along this J'.)

    Args:
        generated: tokens [N, d].
        real: what they are compared with.
        errors: with the number of blocks of the generated sequences, and of the real ones if there
            are so many, where otherwise each real sequence is a block; and that of replicates, S.
        key: stream key.

    Raises:
        PipelineError: too few sequences or blocks, too large a distance or a foreign token.
    """
    blocks, samples = errors.jackknife_blocks, errors.bootstrap_samples
    weights = resampling_weights(samples, blocks, stream_key(key, "generated"))
    products = _projections(generated, real.symbols, real.distances, real.directions, weights)
    known = np.where(real.products == 0, np.nan, real.products)
    return CorrelationRatios.of(real.distances, products / known)


def resampling_weights(samples: int, blocks: int, key: int) -> np.ndarray:
    """How often each block is drawn in each replicate, [samples, blocks].

    `blocks` - 1 are drawn: the variance between replicates is then that of the estimate, without
    the factor (blocks - 1) / blocks of the plain bootstrap (Rao & Wu 1988).

    Raises:
        PipelineError: there are fewer than 2 blocks.
    """
    if blocks < 2:
        raise PipelineError(f"blocks = {blocks}: one block tells no error; use at least 2")
    shares = uniforms(key, np.arange(samples)[:, None], np.arange(blocks - 1))
    cells = np.arange(samples)[:, None] * blocks + (shares * blocks).astype(np.int64)
    counts = np.bincount(cells.ravel(), minlength=samples * blocks)
    return counts.reshape(samples, blocks).astype(float)


def coherence(
    measured: CorrelationRatios, largest_error: float | np.ndarray, longest: float | None = None
) -> Coherence:
    """Equivalent block length with its interval: the same fit to every bootstrap replicate."""
    distances, errors = measured.distances, measured.errors
    limits = largest_error, longest
    length, bound = equivalent_block_length(distances, measured.ratios, errors, *limits)
    used = slice(_resolved(errors, largest_error))
    if np.isnan(length):
        return Coherence(length, np.nan, np.nan, np.nan, bound)
    resampled, _ = _fit(distances[used], measured.resampled[:, used], errors[used], longest)
    low, high = np.quantile(resampled, _INTERVAL)
    return Coherence(length, float(low), float(high), float(resampled.std()), bound)


def equivalent_block_length(
    distances: np.ndarray, ratios: np.ndarray, errors: np.ndarray,
    largest_error: float | np.ndarray, longest: float | None = None,
) -> tuple[float, bool]:  # fmt: skip
    """Length b of the blocks of real tokens whose random sequence has these R(t), nearly.

    In such a sequence (see `shuffle_blocks`) R(t) = (1 - t / b)_+. Weighted least squares fit b to
    the distances before the first whose error is too large. Even a length beyond these distances
    shows: in the slope, 1 / b, with which R(t) begins to fall.

    Args:
        distances: t in tokens, [T], increasing.
        ratios: R(t), [T].
        errors: standard errors of R(t), [T].
        largest_error: of a distance that still counts as resolved, one for all or for each, [T].
        longest: length that can be reported, at least the largest distance; None: the largest
            resolved distance.

    Returns:
        Length in tokens, and whether it is only a bound, as a length beyond `longest` is, which is
        reported as `longest`. One below the smallest distance is reported as this distance, but not
        as a bound. If not even the smallest is resolved the length is NaN, and no bound.
    """
    used = slice(_resolved(errors, largest_error))
    if not errors[used].size:
        return np.nan, False
    lengths, bounds = _fit(distances[used], ratios[None, used], errors[used], longest)
    return float(lengths[0]), bool(bounds[0])


def _resolved(errors: np.ndarray, largest_error: float | np.ndarray) -> int:
    """How many distances, from the first, have errors that are known and small."""
    return int(np.logical_and.accumulate(errors <= largest_error).sum())


def _fit(
    distances: np.ndarray, ratios: np.ndarray, errors: np.ndarray, longest: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Fitted lengths, at most the longest, and which were beyond it, of R(t) [S, T].

    Between two neighbouring distances the sum of squares is quadratic in 1 / b, so its minimum is
    exact there; the least of these minima is the fit.
    """
    # Samples that are all alike have R = 0 without error, by which one cannot divide.
    weights = 1 / np.maximum(errors, np.finfo(float).eps) ** 2
    missing, inverse = 1 - ratios, 1 / distances
    slope = np.cumsum(weights * distances * missing, axis=1)
    curvature = np.cumsum(weights * distances**2)
    found = np.clip(slope / curvature, np.append(inverse[1:], 0), inverse)
    within = np.cumsum(weights * missing**2, axis=1) - 2 * found * slope + found**2 * curvature
    squares = weights * ratios**2
    beyond = squares.sum(axis=1, keepdims=True) - np.cumsum(squares, axis=1)
    best = np.argmin(within + beyond, axis=1)[:, None]
    chosen = np.take_along_axis(found, best, axis=1)[:, 0]
    least = inverse[-1] if longest is None else 1 / longest
    return 1 / np.maximum(chosen, least), chosen < least


def _projections(
    tokens: np.ndarray, symbols: int, distances: Sequence[int], directions: Sequence[Excess],
    weights: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """<J, J'> at T distances of all tokens, then of S weightings of their blocks, [S + 1, T]."""
    blocks = weights.shape[1]
    weights = np.concatenate([np.ones((1, blocks)), weights])
    columns = [
        project(DistanceCounts.of(tokens, symbols, distance, blocks), direction).value(weights)
        for distance, direction in zip(distances, directions, strict=True)
    ]
    return np.stack(columns, axis=1)
