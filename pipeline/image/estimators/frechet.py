"""Frechet distance between features, in the first principal components of real ones.

The distance of two normal distributions of the same means and covariances (Dowson & Landau 1982),
|m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)). It is biased upwards, the more so the more dimensions
there are for each image; hence few components, and a control of real images beside it.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.measurement.estimate import block_numbers, jackknife_error, leaving_out


@dataclass(frozen=True)
class Moments:
    """Sums over the images of each block.

    Attributes:
        counts: images, [B].
        sums: of features, [B, K].
        products: of pairs of features, [B, K, K].
    """

    counts: np.ndarray
    sums: np.ndarray
    products: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, blocks: int) -> "Moments":
        """Sums of features [N, K]."""
        starts = np.searchsorted(block_numbers(len(features), blocks), np.arange(blocks))
        parts = np.split(features, starts[1:])
        products = np.stack([part.T @ part for part in parts])
        counts = np.array([len(part) for part in parts])
        return cls(counts, np.stack([part.sum(axis=0) for part in parts]), products)

    def normal(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means [S, K] and covariances [S, K, K] of weighted blocks [S, B]."""
        count = (weights @ self.counts)[:, None]
        means = weights @ self.sums / count
        second = np.tensordot(weights, self.products, axes=1)
        outer = means[:, :, None] * means[:, None, :] * count[:, :, None]
        return means, (second - outer) / (count[:, :, None] - 1)


@dataclass(frozen=True)
class Frechet:
    """Real features in their first principal components.

    Attributes:
        directions: of largest variance, [C, K].
        moments: of the projected features.
    """

    directions: np.ndarray
    moments: Moments

    @classmethod
    def of(cls, features: np.ndarray, components: int, blocks: int) -> "Frechet":
        """Components of features [M, C]; at most C of them."""
        # Made [C, C] again, as np.cov gives a bare number for C = 1.
        _, vectors = np.linalg.eigh(np.cov(features, rowvar=False).reshape(2 * features.shape[1:]))
        directions = vectors[:, ::-1][:, :components]  # eigh has the largest variance last
        return cls(directions, Moments.of(features @ directions, blocks))

    def distance(self, features: np.ndarray, blocks: int) -> tuple[float, float]:
        """Distance of features [N, C], and its error jackknifed over blocks of both sets."""
        ours = Moments.of(features @ self.directions, blocks)
        whole, left_out = np.split(leaving_out(blocks), [1])
        pairs = (whole, whole), (left_out, whole), (whole, left_out)
        values = [
            frechet_distance(ours.normal(our), self.moments.normal(their)) for our, their in pairs
        ]
        error = np.hypot(*(jackknife_error(left) for left in values[1:]))
        return float(values[0][0]), float(error)


def frechet_distance(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Distances of normal distributions, each means [S, K] and covariances [S, K, K], to [S].

    With A A^T = S, the trace of (S S')^(1/2) is that of the root of A^T S' A, which is symmetric.
    """
    (mean, covariance), (other_mean, other) = first, second
    values, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]  # below 0 by rounding only
    inner = np.linalg.eigvalsh(np.swapaxes(factor, 1, 2) @ other @ factor)
    trace = np.trace(covariance, axis1=1, axis2=2) + np.trace(other, axis1=1, axis2=2)
    shift = np.square(mean - other_mean).sum(axis=1)
    return shift + trace - 2 * np.sqrt(np.maximum(inner, 0)).sum(axis=1)
