"""How far features of generated images correlate like real ones, as a function of distance.

K(r) is the covariance over images of features at a place with those at the place r further along
an axis, a matrix of channels x channels, averaged over all such pairs of places and both axes.
Every place is centred by its own mean over images, with the factor n / (n - 1), so K(r) and
anything linear in it is unbiased: its trace, and its product with the K'(r) of other images, which
gives the correlation ratio R(r) = <K_generated, K'> / <K_real, K'> (see `coherence`).

Features are standardised by the reference. Half of it is the direction K', the other K_real.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np

from pipeline.base.randomness import stream_key
from pipeline.image.estimators.standardise import Standard, chunks
from pipeline.measurement.coherence import (
    CorrelationRatios,
    length_row,
    ratio_rows,
    resampling_weights,
)
from pipeline.measurement.distance_counts import Projection
from pipeline.measurement.estimate import ImageRow, block_numbers, jackknife_error, leaving_out
from pipeline.measurement.settings import Errors

_LONGEST = 2
"""Lengths beyond so many sides of an image are reported as "at least" that."""

Probe = tuple[int, np.ndarray | None]
"""A distance in places and what K is multiplied with, [C, C]; None for the trace."""


@dataclass(frozen=True)
class Reference:
    """Maps of real images, with all that does not depend on what they are compared with.

    Attributes:
        standard: what maps are centred and scaled by.
        distances: r in places, increasing from 1.
        directions: K'(r) of the first half of the images, [C, C] each.
        real: <K(r), K'(r)> of the second half.
        variance: trace of K(0) of all images, then without each block, [1 + blocks].
    """

    standard: Standard
    distances: list[int]
    directions: list[np.ndarray]
    real: list[Projection]
    variance: np.ndarray

    @classmethod
    def of(cls, maps: np.ndarray, blocks: int) -> "Reference":
        """Prepare maps [M, C, h, h] of real images in random order; M at least 2 * blocks."""
        standard, half = Standard.of(maps), len(maps) // 2
        distances = map_distances(maps.shape[-1])
        directions = [covariance(standard, maps[:half], r) for r in distances]
        probes = list(zip(distances, directions, strict=True))
        real = project(standard, maps[half:], probes, blocks)
        [variance] = project(standard, maps, [(0, None)], blocks)
        return cls(standard, distances, directions, real, unbiased(variance, leaving_out(blocks)))


def map_distances(side: int) -> list[int]:
    """Distances in places, about two an octave: 1, 2, 3, 4, 6, 8, 12 and so on up to half a side.

    At a larger r, the places from h - r to r of a row of h would be in no pair: the number would be
    about the edges of images only.
    """
    found = {step * 2**octave for octave in range(side.bit_length()) for step in (2, 3)}
    return sorted(r for r in {1, *found} if r <= side // 2)


def correlation_rows(
    reference: Reference, maps: np.ndarray, size: int, layer: int | None, errors: Errors
) -> Iterator[ImageRow]:
    """Correlations, their ratios to real ones, and the equivalent block length.

    `feature_correlation` is the trace of K(r) over that of K(0) of real images, jackknifed over
    blocks of both. Ratios and the length are bootstrapped. The length is fitted to R(r) times
    1 - r / s: of images of side s whose blocks of side b were exchanged on a fixed grid, R(r) is
    the share of pairs inside a block, (1 - r / b) / (1 - r / s). Real images are one block, b = s.
    Images whose correlations reach further than those of real ones have b > s, up to "at least
    2 s". Whether a distance is resolved is told by the error of R(r) itself.

    Args:
        reference: real maps.
        maps: of generated images, [N, C, h, h].
        size: side of the images in pixels; a place of the map is size / h of them.
        layer: where the maps are from, None for pixels.
        errors: how errors are estimated, of the section `measurement` of the config.
    """
    pixels, blocks, count = size / maps.shape[-1], errors.jackknife_blocks, len(maps)
    distances, trace = reference.distances, len(reference.distances) + 1
    probes: list[Probe] = [(r, None) for r in [0, *distances]]
    probes += zip(distances, reference.directions, strict=True)
    found = project(reference.standard, maps, probes, blocks)
    for (r, _), projection in zip(probes[:trace], found[:trace], strict=True):
        correlation = _correlation(unbiased(projection, leaving_out(blocks)), reference.variance)
        place = {"distance": r * pixels, "layer": layer}
        yield ImageRow("feature_correlation", *correlation, count, **place)
    ratios = _ratios(found[trace:], reference.real, errors.bootstrap_samples)
    measured = CorrelationRatios.of([r * pixels for r in distances], ratios)
    share = 1 - measured.distances / size
    scaled = CorrelationRatios.of(measured.distances, ratios * share)
    largest_error = errors.largest_error * share
    length = length_row(scaled, count, largest_error, _LONGEST * size)
    for row in (*ratio_rows(measured, count), length):
        yield replace(ImageRow(**asdict(row)), layer=layer)


def _correlation(values: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Ratio of the first entries; its error from the others, each without a block of one set."""
    left_out = values[1:] / variance[0], values[0] / variance[1:]
    error = np.hypot(*(jackknife_error(ratios) for ratios in left_out))
    return float(values[0] / variance[0]), float(error)


def _ratios(
    generated: Sequence[Projection], real: Sequence[Projection], samples: int
) -> np.ndarray:
    """R(r) and, below it, its replicates, in which both sets are resampled, [S + 1, T]."""
    sides = []
    for name, projections in (("generated", generated), ("real", real)):
        blocks = len(projections[0].pairs) if projections else 2
        drawn = resampling_weights(samples, blocks, stream_key("feature_correlation", name))
        weights = np.concatenate([np.ones((1, blocks)), drawn])
        sides.append([unbiased(projection, weights) for projection in projections])
    return np.transpose(np.array(sides[0]) / np.array(sides[1])).reshape(samples + 1, -1)


def unbiased(projection: Projection, weights: np.ndarray) -> np.ndarray:
    """<K, D> of weighted blocks, [S, blocks] to [S], without the bias of centring.

    The square of a mean contains a share sum_i w_i^2 / (sum_i w_i)^2 of the covariance, 1 / n where
    every image counts once. Not finite where the weights leave a single image.
    """
    images = projection.pairs
    share = np.square(weights) @ images / np.square(weights @ images)
    with np.errstate(divide="ignore", invalid="ignore"):
        return projection.value(weights) / (1 - share)


def project(
    standard: Standard, maps: np.ndarray, probes: Sequence[Probe], blocks: int
) -> list[Projection]:
    """Products <K(r), D> of maps [N, C, h, h] for each (r, D), by blocks of images.

    Returns:
        Projections whose `pairs` are the images of each block; see `unbiased`.
    """
    starts = np.searchsorted(block_numbers(len(maps), blocks), np.arange(blocks + 1))
    sums = np.zeros((blocks, *standard.mean.shape))
    linear = np.zeros((len(probes), blocks))
    for block, (start, stop) in enumerate(pairwise(starts)):
        for z in _parts(standard, maps[start:stop]):
            sums[block] += z.sum(axis=0)
            linear[:, block] += [_product(z, *probe) for probe in probes]
    images = np.diff(starts)
    return [
        Projection(row, _between(sums, *probe), images)
        for row, probe in zip(linear, probes, strict=True)
    ]


def covariance(standard: Standard, maps: np.ndarray, distance: int) -> np.ndarray:
    """K(r) of maps [N, C, h, h], [C, C], but for the factor n / (n - 1): a direction needs none."""
    total = np.zeros(standard.mean.shape)
    moments = np.zeros((len(total), len(total)))
    for z in _parts(standard, maps):
        total += z.sum(axis=0)
        moments += _moments(z, distance)
    return moments / len(maps) - _moments(total[None] / len(maps), distance)


def _parts(standard: Standard, maps: np.ndarray) -> Iterator[np.ndarray]:
    """Standardised maps, some at a time."""
    return (standard.apply(maps[part]) for part in chunks(len(maps), standard.mean.size))


def _pairs(z: np.ndarray, distance: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Places of maps [n, C, h, h], and those that are further along each axis."""
    end = z.shape[-1] - distance
    return [(z[..., :end], z[..., distance:]), (z[..., :end, :], z[..., distance:, :])]


def _count(z: np.ndarray, distance: int) -> int:
    """Pairs of places in a map, of both axes."""
    side = z.shape[-1]
    return 2 * side * (side - distance)


def _moments(z: np.ndarray, distance: int) -> np.ndarray:
    """Products of channels, summed over maps and averaged over pairs of places, [C, C]."""
    axes = [0, 2, 3]
    parts = (np.tensordot(*pair, axes=(axes, axes)) for pair in _pairs(z, distance))
    return np.asarray(sum(parts)) / _count(z, distance)


def _product(z: np.ndarray, distance: int, direction: np.ndarray | None) -> float:
    """Product of `_moments` with a direction, or their trace."""
    if direction is not None:
        return float((_moments(z, distance) * direction).sum())
    parts = (np.einsum("ncij,ncij->", *pair) for pair in _pairs(z, distance))
    return float(sum(parts)) / _count(z, distance)


def _between(sums: np.ndarray, distance: int, direction: np.ndarray | None) -> np.ndarray:
    """`_product` of the maps of every two blocks, [blocks, C, h, h] to [blocks, blocks]."""
    found = np.zeros((len(sums), len(sums)))
    matrix = np.eye(sums.shape[1]) if direction is None else direction
    for first, second in _pairs(sums, distance):
        turned = np.einsum("cd,bdij->bcij", matrix, second, optimize=True)
        found += first.reshape(len(sums), -1) @ turned.reshape(len(sums), -1).T
    return found / _count(sums, distance)
