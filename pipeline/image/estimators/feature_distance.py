"""How far the distribution of features of generated images is from that of real ones.

Squared maximum mean discrepancy (Gretton et al. 2012): with x, x' of the one set and y, y' of the
other, MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y), each mean over pairs of different images (a
U-statistic: unbiased, so it can be negative), for the kernels

- gaussian, exp(-|x - y|^2 / (2 w^2)) with w the median distance of real features; it is bounded,
  so far sets are all alike to it, and how far that is differs by layer,
- energy, -|x - y|, of which MMD^2 is half the energy distance (Szekely & Rizzo 2013); it is not
  bounded, so it tells far sets from farther ones,
- cubic, (x . y / C + 1)^3, the kernel inception distance of Binkowski et al. (2018); relative to
  noise it says mostly how far noise is.

Features are standardised by the reference, channel by channel. Errors are jackknifed over blocks
of images of both sets, with standard and width fixed; where the sets are alike they are too large
by up to a factor sqrt(2), as the jackknife counts products of two fluctuations twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.image.estimators.frechet import Frechet
from pipeline.image.estimators.standardise import Standard
from pipeline.measurement.estimate import ImageRow, block_numbers, jackknife_error, leaving_out

_ROWS = 256

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Values of k from products x . y and squared distances |x - y|^2 of pairs."""


@dataclass(frozen=True)
class Reference:
    """Features of real images, with all that does not depend on what they are compared with.

    Attributes:
        standard: what features are centred and scaled by.
        features: standardised, [M, C].
        kernels: by name.
        sums: of each kernel over pairs of different images, [blocks, blocks].
        frechet: the same features in few dimensions.
    """

    standard: Standard
    features: np.ndarray
    kernels: dict[str, Kernel]
    sums: dict[str, np.ndarray]
    frechet: Frechet

    @classmethod
    def of(
        cls, features: np.ndarray, kernels: Sequence[str], components: int, blocks: int
    ) -> "Reference":
        """Prepare features [M, C] of real images.

        Args:
            features: M at least 2 * blocks.
            kernels: names, of gaussian, energy and cubic.
            components: dimensions of the Frechet distance.
            blocks: of images, at least 2.
        """
        standard = Standard.of(features)
        real = standard.apply(features)
        functions = _kernels(kernels, _median_distance(real), real.shape[1])
        sums = kernel_sums(real, real, functions, blocks)
        return cls(standard, real, functions, sums, Frechet.of(real, components, blocks))


def distance_rows(
    reference: Reference, features: np.ndarray, layer: int, blocks: int
) -> Iterator[ImageRow]:
    """Rows of `mmd` (squared, one for each kernel) and of `frechet`, see `frechet.Frechet`.

    Args:
        reference: real features.
        features: of generated images, [N, C].
        layer: where they are from.
        blocks: of generated images, at least 2.
    """
    ours = reference.standard.apply(features)
    within = kernel_sums(ours, ours, reference.kernels, blocks)
    between = kernel_sums(ours, reference.features, reference.kernels, blocks)
    sizes = _sizes(len(ours), blocks), _sizes(len(reference.features), blocks)
    for name in reference.kernels:
        found = _discrepancy(within[name], reference.sums[name], between[name], *sizes)
        yield ImageRow("mmd", *found, len(ours), layer=layer, kernel=name)
    yield ImageRow("frechet", *reference.frechet.distance(ours, blocks), len(ours), layer=layer)


def kernel_sums(
    ours: np.ndarray, theirs: np.ndarray, kernels: Mapping[str, Kernel], blocks: int
) -> dict[str, np.ndarray]:
    """Sums of each kernel over the pairs of two blocks, [blocks, blocks].

    Args:
        ours: features [N, C].
        theirs: features [M, C]; the same array for the pairs of different images of one set.
        kernels: by name.
        blocks: of either set.
    """
    sums = {name: np.zeros((blocks, blocks)) for name in kernels}
    our_blocks = block_numbers(len(ours), blocks)
    starts = np.searchsorted(block_numbers(len(theirs), blocks), np.arange(blocks))
    for rows, products, squares in _pairs(ours, theirs):
        for name, kernel in kernels.items():
            values = kernel(products, squares)
            if ours is theirs:
                np.fill_diagonal(values[:, rows], 0)
            np.add.at(sums[name], our_blocks[rows], np.add.reduceat(values, starts, axis=1))
    return sums


def _pairs(ours: np.ndarray, theirs: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Some of our images at a time, products x . y and squared distances |x - y|^2, [n, M] each."""
    lengths = np.square(theirs).sum(axis=1)
    for start in range(0, len(ours), _ROWS):
        rows = slice(start, start + _ROWS)
        products = ours[rows] @ theirs.T
        squares = np.square(ours[rows]).sum(axis=1)[:, None] + lengths - 2 * products
        yield rows, products, np.maximum(squares, 0)  # below 0 by rounding only


def _kernels(names: Sequence[str], width: float, channels: int) -> dict[str, Kernel]:
    every: dict[str, Kernel] = {
        "gaussian": lambda _, squares: np.exp(-squares / (2 * width**2)),
        "energy": lambda _, squares: -np.sqrt(squares),
        "cubic": lambda products, _: _cube(products / channels + 1),
    }
    return {name: every[name] for name in names}


def _cube(numbers: np.ndarray) -> np.ndarray:
    """Third powers; `**`, ten times slower, takes 10 s of a trajectory of the paper's images."""
    return numbers * numbers * numbers


def _median_distance(features: np.ndarray) -> float:
    """Median distance between two different images, from their features [M, C]."""
    numbers, found = np.arange(len(features)), []
    for rows, _, squares in _pairs(features, features):
        found.append(squares[numbers[rows, None] < numbers])
    return float(np.median(np.sqrt(np.concatenate(found))))


def _sizes(images: int, blocks: int) -> np.ndarray:
    return np.bincount(block_numbers(images, blocks), minlength=blocks)


def _discrepancy(
    ours: np.ndarray, theirs: np.ndarray, between: np.ndarray, our_sizes: np.ndarray,
    their_sizes: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """MMD^2 and its error from sums over pairs of blocks, of which each is left out in turn."""
    whole, left_out = np.split(leaving_out(len(ours)), [1])

    def values(our_weights: np.ndarray, their_weights: np.ndarray) -> np.ndarray:
        n, m = our_weights @ our_sizes, their_weights @ their_sizes
        cross = _form(our_weights, between, their_weights) / (n * m)
        ours_alone = _form(our_weights, ours, our_weights) / (n * (n - 1))
        return ours_alone + _form(their_weights, theirs, their_weights) / (m * (m - 1)) - 2 * cross

    errors = (values(left_out, whole), values(whole, left_out))
    error = np.hypot(*(jackknife_error(left) for left in errors))
    return float(values(whole, whole)[0]), float(error)


def _form(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Products x^T A y of rows x [S, B] and y [S, B], either of which may be one for all."""
    return ((left @ matrix) * right).sum(axis=1)
