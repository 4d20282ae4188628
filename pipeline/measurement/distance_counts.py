"""Token-token correlations of long sequences at one distance, with any vocabulary.

At distance t let P(a, b) = p(x_i = a, x_{i+t} = b) over sequences and positions i, with marginals
q(a) and r(b) over the same positions, and J = P - q r^T; C(t)**2 is the sum of J**2. All of it is
computed from pairs that occur, so that no matrix has the size of the vocabulary squared. Sequences
are counted in blocks, the independent units behind every standard error.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.measurement.estimate import block_numbers, jackknife_error


@dataclass(frozen=True)
class Excess:
    """J = P - q r^T of a set of sequences, as a sparse matrix and a product.

    Attributes:
        keys: pairs that occur, a * V + b for tokens a and b, int64 [U], increasing.
        joint: their frequencies P, [U].
        left: q, [V].
        right: r, [V].
    """

    keys: np.ndarray
    joint: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def at(self, keys: np.ndarray) -> np.ndarray:
        """J at pairs of tokens, int64 [n] to float64 [n]."""
        a, b = np.divmod(keys, len(self.right))
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        joint = np.where(self.keys[places] == keys, self.joint[places], 0.0)
        return joint - self.left[a] * self.right[b]

    def bilinear(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Products of rows x^T J y, for x in `left` [K, V] and y in `right` [M, V]: [K, M]."""
        size = len(self.left)
        joint = csr_array((self.joint, np.divmod(self.keys, size)), shape=(size, size))
        return left @ (joint @ right.T) - np.outer(left @ self.left, right @ self.right)


@dataclass(frozen=True)
class DistanceCounts:
    """Pairs of tokens at one distance, counted block by block.

    Attributes:
        keys: pairs that occur in any block, a * V + b for tokens a and b, int64 [U], increasing.
        joint: number of times that each occurs in each block, sparse float64 [blocks, U].
        left: number of times that each token is the first of a pair, float64 [blocks, V].
        right: the same for the second, float64 [blocks, V].
    """

    keys: np.ndarray
    joint: csr_array
    left: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, tokens: np.ndarray, symbols: int, distance: int, blocks: int) -> "DistanceCounts":
        """Count pairs of sequences, which are grouped in order into blocks as even as can be.

        Args:
            tokens: integers [N, d] from 0 to `symbols` - 1.
            symbols: size V of the vocabulary.
            distance: t, tokens from the first of a pair to the second, 1 to d - 1.
            blocks: number of groups, 1 to N.

        Raises:
            PipelineError: an argument is outside its range.
        """
        _check(tokens, symbols, distance, blocks)
        block = block_numbers(len(tokens), blocks)
        first, second = tokens[:, :-distance], tokens[:, distance:]
        if blocks * symbols**2 <= tokens.size:
            return cls._of_table(_tabulate(first, second, symbols, block))
        block = np.repeat(block, first.shape[1])
        first, second = (part.ravel().astype(np.int64) for part in (first, second))
        keys, pair = np.unique(first * symbols + second, return_inverse=True)
        joint = csr_array((np.ones(len(pair)), (block, pair)), shape=(blocks, len(keys)))
        left, right = (
            np.bincount(block * symbols + token, minlength=blocks * symbols)
            .reshape(blocks, symbols)
            .astype(float)
            for token in (first, second)
        )
        return cls(keys, joint, left, right)

    @classmethod
    def _of_table(cls, table: np.ndarray) -> "DistanceCounts":
        """From counts of all pairs of tokens in each block, float64 [blocks, V, V].

        Of 8192 texts of 256 characters this takes 0.05 s a distance, sorting the pairs 1.7 s.
        """
        flat = table.reshape(len(table), -1)
        keys = np.flatnonzero(flat.any(axis=0))
        return cls(keys, csr_array(flat[:, keys]), table.sum(axis=2), table.sum(axis=1))

    @property
    def pairs(self) -> np.ndarray:
        """Number of pairs in each block, [blocks]."""
        return self.left.sum(axis=1)

    def only(self, chosen: np.ndarray) -> "DistanceCounts":
        """Counts of some of the blocks, whose numbers are int [n]."""
        return DistanceCounts(self.keys, self.joint[chosen], self.left[chosen], self.right[chosen])

    def excess(self) -> Excess:
        """J of all blocks together, centred with their own marginals."""
        joint, total = self.joint.sum(axis=0), self.pairs.sum()
        seen = joint > 0
        left, right = (marginal.sum(axis=0) / total for marginal in (self.left, self.right))
        return Excess(self.keys[seen], joint[seen] / total, left, right)


@dataclass(frozen=True)
class Projection:
    """<J, J'> for a fixed J' and J of any weighting of blocks, exactly.

    With weights w, J has P = sum_k w_k joint_k / n for n = sum_k w_k pairs_k, and q, r alike; so
    <J, J'> = linear . w / n - w^T bilinear w / n**2.

    Attributes:
        linear: <joint_k, J'>, [blocks].
        bilinear: left_k^T J' right_l, [blocks, blocks].
        pairs: number of pairs in each block, [blocks].
    """

    linear: np.ndarray
    bilinear: np.ndarray
    pairs: np.ndarray

    def value(self, weights: np.ndarray) -> np.ndarray:
        """<J, J'> for each row of weights, [S, blocks] to [S]."""
        total = weights @ self.pairs
        product = ((weights @ self.bilinear) * weights).sum(axis=1)
        return weights @ self.linear / total - product / total**2


def project(counts: DistanceCounts, reference: Excess) -> Projection:
    """Project the blocks of some sequences on the J of others, of the same vocabulary."""
    linear = counts.joint @ reference.at(counts.keys)
    return Projection(linear, reference.bilinear(counts.left, counts.right), counts.pairs)


def squared_correlation(counts: DistanceCounts, random_halves: int) -> tuple[float, float]:
    """C(t)**2 without the bias of sampling noise, and its jackknifed standard error.

    It is the product of the J of two random halves of the blocks, each centred with its own
    marginals (common ones would make the halves dependent), averaged over splits. What centring
    leaves is a relative bias of about -(tokens over which correlations reach) / (tokens of a half).

    Args:
        counts: of at least 4 blocks.
        random_halves: number of random splits.

    Raises:
        PipelineError: there are fewer than 4 blocks.
    """
    blocks = len(counts.left)
    if blocks < 4:
        raise PipelineError(f"blocks = {blocks}: halves need two blocks each; use at least 4")
    full, left_out = np.zeros(random_halves), np.zeros((random_halves, blocks))
    for split in range(random_halves):
        order = permutation(blocks, "random halves", split)
        halves = order[: blocks // 2], order[blocks // 2 :]
        for ours, theirs in (halves, halves[::-1]):
            projection = project(counts.only(ours), counts.only(theirs).excess())
            left_out[split, ours] = projection.value(1 - np.eye(len(ours)))
        full[split] = projection.value(np.ones((1, len(ours))))[0]
    return float(full.mean()), float(jackknife_error(left_out.mean(axis=0)))


def _tabulate(first: np.ndarray, second: np.ndarray, symbols: int, block: np.ndarray) -> np.ndarray:
    """Counts of all pairs of tokens, float64 [blocks, V, V], of rows in the order of blocks."""
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    table = np.zeros((len(starts), symbols**2))
    for number, (start, stop) in enumerate(pairwise([*starts, len(block)])):
        codes = first[start:stop].astype(np.int64) * symbols + second[start:stop]
        table[number] = np.bincount(codes.ravel(), minlength=symbols**2)
    return table.reshape(-1, symbols, symbols)


def _check(tokens: np.ndarray, symbols: int, distance: int, blocks: int) -> None:
    sequences, length = tokens.shape
    if not 1 <= distance < length:
        raise PipelineError(
            f"distance = {distance}: sequences have {length} tokens; use 1 to {length - 1}"
        )
    if not 1 <= blocks <= sequences:
        raise PipelineError(
            f"blocks = {blocks}: there are {sequences} sequences; use 1 to {sequences}"
        )
    for token in (tokens.min(), tokens.max()):
        if not 0 <= token < symbols:
            raise PipelineError(
                f"token {token}: the vocabulary has {symbols}, from 0; give sequences of it"
            )
