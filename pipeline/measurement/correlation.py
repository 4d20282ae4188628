"""Token-token correlations of samples, without the floor that sampling noise puts under them.

For positions i and j let J_ij(a, b) = p(x_i = a, x_j = b) - p(x_i = a) p(x_j = b). The plug-in
estimate of |J|**2 is biased upwards by sampling noise. Here the samples are split into random
halves, each centred with its own marginals, and |J|**2 is estimated by the product of the two
halves, averaged over splits. What own marginals take from the J of n samples, one n-th of it, is
given back by a factor n / (n - 1) for each half, so that the mean of the estimate is exactly
|J|**2. Standard errors are jackknifed over blocks of samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.measurement.estimate import jackknife_error

_ROUNDING = 1e-12
"""An exact J below this share of 1 / v**2, the probability of a pair, is no more than rounding."""


@dataclass(frozen=True)
class PairCounts:
    """Co-occurrence counts of samples, block by block.

    Attributes:
        joint: float64 [blocks, d (d - 1) / 2, v, v], number of samples with symbol a at the first
            and b at the second of two positions: (0, 1), (0, 2), ..., (1, 2), ...
        marginal: float64 [blocks, d, v], number of samples with each symbol at each position.
    """

    joint: np.ndarray
    marginal: np.ndarray

    @classmethod
    def of(cls, tokens: np.ndarray, symbols: int, blocks: int) -> "PairCounts":
        """Count tokens, integers [N, d]; up to `blocks` - 1 last samples are left out."""
        size, length = len(tokens) // blocks, tokens.shape[1]
        joint = np.zeros((blocks, length * (length - 1) // 2, symbols, symbols))
        marginal = np.zeros((blocks, length, symbols))
        for block in range(blocks):
            rows = tokens[block * size : (block + 1) * size]
            _count(rows.T.astype(np.intp, order="C"), joint[block], marginal[block])
        return cls(joint, marginal)

    @property
    def size(self) -> int:
        """Samples per block."""
        return int(self.marginal[0, 0].sum())

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """First and second positions of all pairs, in the order of `joint`."""
        return np.triu_indices(self.marginal.shape[1], 1)

    def places(self, pairs: np.ndarray) -> np.ndarray:
        """Places in `joint` of pairs of positions i < j, int [n, 2] to int [n]."""
        first, second = pairs.T
        return first * (2 * self.marginal.shape[1] - first - 3) // 2 + second - 1

    def excess(self, chosen: np.ndarray) -> np.ndarray:
        """J of all pairs in some of the blocks, bool [blocks] to float64 [pairs, v, v]."""
        joint, marginal = self.joint[chosen].sum(axis=0), self.marginal[chosen].sum(axis=0)
        total = marginal[0].sum()
        first, second = (marginal[positions] / total for positions in self.pairs)
        return joint / total - first[:, :, None] * second[:, None, :]

    def leaving_out(self, chosen: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Mean over symbols of J times another J, where J is that of n blocks less each in turn.

        Args:
            chosen: the n blocks, bool [blocks].
            reference: the other J, [pairs, v, v].

        Returns:
            Float64 [n, pairs], from products of counts with `reference`: no J is made again for
            each block.
        """
        joint = np.einsum("kpab,pab->kp", self.joint, reference)[chosen]
        marginal = self.marginal[chosen]
        joint, marginal = (x.sum(axis=0) - x for x in (joint, marginal))
        first, second = (marginal[:, positions].swapaxes(0, 1) for positions in self.pairs)
        independent = ((first @ reference) * second).sum(axis=2).T
        total = marginal[:, 0].sum(axis=1)[:, None]
        return (joint / total - independent / total**2) / reference[0].size


def squared_correlations(
    counts: PairCounts, groups: Sequence[np.ndarray], random_halves: int
) -> list[tuple[float, float]]:
    """Mean over symbol pairs and position pairs of J**2, with its standard error, per group.

    Args:
        counts: of the samples, in at least 4 blocks.
        groups: for each group of position pairs i < j, its indices, int [pairs, 2].
        random_halves: number of random splits.

    Raises:
        PipelineError: there are so few samples that a half, less a block, is fewer than 2.
    """
    _check_halves(len(counts.joint), counts.size)
    halves = _half_memberships(len(counts.joint), random_halves)
    products = np.mean([_half_products(counts, half) for half in halves], axis=0)
    means = [products[:, counts.places(pairs)].mean(axis=1) for pairs in groups]
    full, *left_out = np.array(means).T
    return list(zip(full, jackknife_error(np.array(left_out)), strict=True))


def projections(
    counts: PairCounts, reference: np.ndarray, groups: Sequence[np.ndarray]
) -> list[tuple[float, float]]:
    """<J, J_ref> / <J_ref, J_ref> per group of position pairs, with its standard error.

    Linear in J, so noise puts no floor under it: 1 where samples correlate as the reference, 0
    where they do not (or in another way), and NaN where the reference does not correlate at all, as
    when all tuples are valid. As J is centred with the marginals of its own N samples, the ratio is
    too low by 1 / N of itself.

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
    shares = np.asarray(weights, dtype=float)
    return float(full @ shares), float(jackknife_error((left_out @ shares)[:, None])[0])


def _projected(
    counts: PairCounts, reference: np.ndarray, groups: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Projections of all samples, [groups], and without each block, [blocks, groups]."""
    first, second = counts.pairs
    theirs, every = reference[first, :, second, :], np.ones(len(counts.joint), dtype=bool)
    whole = _mean_product(counts.excess(every), theirs)
    products = np.concatenate([whole[None], counts.leaving_out(every, theirs)])
    squares, places = _mean_product(theirs, theirs), [counts.places(pairs) for pairs in groups]
    squares[squares < (_ROUNDING / counts.marginal.shape[2] ** 2) ** 2] = np.nan
    ratios = [products[:, chosen].sum(axis=1) / squares[chosen].sum() for chosen in places]
    full, *left_out = np.array(ratios).T
    return full, np.array(left_out)


def _half_products(counts: PairCounts, half: np.ndarray) -> np.ndarray:
    """Mean over symbols of the product of the J of a half of the blocks and of the other half.

    By pairs of positions, [1 + blocks, pairs]: of all blocks, then without each in turn, which
    changes the J of its own half only.
    """
    halves = half, ~half
    sizes = [counts.size * int(side.sum()) for side in halves]
    wholes = [
        _unbiased(counts.excess(side), size) for side, size in zip(halves, sizes, strict=True)
    ]
    products = np.zeros((1 + len(half), len(wholes[0])))
    products[0] = _mean_product(*wholes)
    for side, size, other in zip(halves, sizes, wholes[::-1], strict=True):
        left_out = counts.leaving_out(side, other)
        products[1:][side] = _unbiased(left_out, size - counts.size)
    return products


def _unbiased(excess: np.ndarray, samples: int) -> np.ndarray:
    """J, or what is linear in it, of so many samples without the bias of their own marginals."""
    return excess * (samples / (samples - 1))


def _check_halves(blocks: int, size: int) -> None:
    smaller = (blocks // 2 - 1) * size
    if smaller < 2:
        raise PipelineError(
            f"measurement.jackknife_blocks = {blocks} of {size} samples each: a half without one "
            f"of its blocks has {smaller} samples, and correlations need 2; use at least 4 blocks "
            "and more samples"
        )


def _mean_product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("pab,pab->p", one, other) / one[0].size


def _count(columns: np.ndarray, joint: np.ndarray, marginal: np.ndarray) -> None:
    """Write the counts of one block, whose tokens are int [d, n]."""
    symbols, used = marginal.shape[1], 0
    for position, first in enumerate(columns):
        later = columns[position + 1 :]
        cells = (np.arange(len(later))[:, None] * symbols + first) * symbols + later
        counts = np.bincount(cells.ravel(), minlength=len(later) * symbols**2)
        joint[used : used + len(later)] = counts.reshape(-1, symbols, symbols)
        marginal[position] = np.bincount(first, minlength=symbols)
        used += len(later)


def _half_memberships(blocks: int, splits: int) -> np.ndarray:
    orders = [permutation(blocks, "random halves", split) for split in range(splits)]
    return np.array(orders) < blocks // 2
