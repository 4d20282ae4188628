"""Token-token correlations of samples, without the floor that sampling noise puts under them.

For positions i and j let J_ij(a, b) = p(x_i = a, x_j = b) - p(x_i = a) p(x_j = b). The plug-in
estimate of |J|**2 is biased upwards by sampling noise. Here the samples are split into random
halves, each centred with its own marginals, and |J|**2 is estimated by the product of the two
halves, averaged over splits. Standard errors are jackknifed over blocks of samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.measurement.estimate import jackknife_error
from pipeline.randomness import permutation


@dataclass(frozen=True)
class PairCounts:
    """Co-occurrence counts of samples, block by block.

    Attributes:
        joint: float64 [blocks, d, v, d, v], number of samples with symbol a at i and b at j.
        size: samples per block.
    """

    joint: np.ndarray
    size: int

    @classmethod
    def of(cls, tokens: np.ndarray, symbols: int, blocks: int) -> "PairCounts":
        """Count tokens, integers [N, d]; up to `blocks` - 1 last samples are left out."""
        size = len(tokens) // blocks
        one_hot = np.eye(symbols)[tokens[: size * blocks]]
        flat = one_hot.reshape(blocks, size, -1)
        joint = np.matmul(flat.transpose(0, 2, 1), flat)
        length = tokens.shape[1]
        return cls(joint.reshape(blocks, length, symbols, length, symbols), size)

    def excess(self, weights: np.ndarray) -> np.ndarray:
        """J of weighted sums of blocks: weights [K, blocks] to float64 [K, d, v, d, v]."""
        flat = self.joint.reshape(len(self.joint), -1)
        joint = (weights @ flat) / (self.size * weights.sum(axis=1, keepdims=True))
        joint = joint.reshape(len(weights), *self.joint.shape[1:])
        marginal = np.einsum("kiaia->kia", joint)
        return joint - marginal[:, :, :, None, None] * marginal[:, None, None]


def squared_correlations(
    counts: PairCounts, groups: Sequence[np.ndarray], random_halves: int
) -> list[tuple[float, float]]:
    """Mean over symbol pairs and position pairs of J**2, with its standard error, per group.

    Args:
        counts: of the samples.
        groups: for each group of position pairs, its indices, int [pairs, 2].
        random_halves: number of random splits.
    """
    blocks = len(counts.joint)
    halves = _half_memberships(blocks, random_halves)
    full = _half_products(counts, halves, np.ones(blocks), groups)
    left_out = [_half_products(counts, halves, keep, groups) for keep in 1 - np.eye(blocks)]
    return list(zip(full, jackknife_error(np.array(left_out)), strict=True))


def projections(
    counts: PairCounts, reference: np.ndarray, groups: Sequence[np.ndarray]
) -> list[tuple[float, float]]:
    """<J, J_ref> / <J_ref, J_ref> per group of position pairs, with its standard error.

    Linear in J, so sampling noise does not bias it: 1 where samples correlate as the reference,
    0 where they do not (or in another way).

    Args:
        counts: of the samples.
        reference: exact excess of the data, [d, v, d, v].
        groups: as for `squared_correlations`.
    """
    full, left_out = _projected(counts, reference, groups)
    return list(zip(full, jackknife_error(left_out), strict=True))


def weighted_projection(
    counts: PairCounts, reference: np.ndarray, groups: Sequence[np.ndarray], weights: Sequence[int]
) -> tuple[float, float]:
    """Weighted sum over groups of `projections`, with its standard error."""
    full, left_out = _projected(counts, reference, groups)
    weights = np.asarray(weights, dtype=float)
    return float(full @ weights), float(jackknife_error((left_out @ weights)[:, None])[0])


def _projected(
    counts: PairCounts, reference: np.ndarray, groups: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Projections of all samples, [groups], and without each block, [blocks, groups]."""
    blocks = len(counts.joint)
    whole = counts.excess(np.ones((1, blocks)))[0]
    left_out = counts.excess(1 - np.eye(blocks))
    full = np.array([_project(whole, reference, pairs) for pairs in groups])
    return full, np.array([[_project(j, reference, p) for p in groups] for j in left_out])


def _half_products(
    counts: PairCounts, halves: np.ndarray, keep: np.ndarray, groups: Sequence[np.ndarray]
) -> np.ndarray:
    products = counts.excess(halves * keep) * counts.excess((1 - halves) * keep)
    mean = products.mean(axis=0)
    return np.array([_pair_mean(mean, pairs) for pairs in groups])


def _pair_mean(values: np.ndarray, pairs: np.ndarray) -> float:
    return float(values[pairs[:, 0], :, pairs[:, 1], :].mean())


def _project(excess: np.ndarray, reference: np.ndarray, pairs: np.ndarray) -> float:
    first, second = pairs[:, 0], pairs[:, 1]
    theirs = reference[first, :, second, :]
    return float((excess[first, :, second, :] * theirs).sum() / np.square(theirs).sum())


def _half_memberships(blocks: int, splits: int) -> np.ndarray:
    orders = [permutation(blocks, "random halves", split) for split in range(splits)]
    return (np.array(orders) < blocks // 2).astype(float)
