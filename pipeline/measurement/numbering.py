"""Numbers for tuples of tokens: two of them are equal where the tuples are."""

from math import log2

import numpy as np

_BITS = 63
"""Of a non-negative int64."""


def number_tuples(tuples: np.ndarray, bound: int) -> tuple[np.ndarray, int]:
    """Number tuples by reading them in a base; if that takes too many bits, by counting them.

    Args:
        tuples: non-negative integers below `bound`, [..., s].
        bound: of their members.

    Returns:
        int64 [...], and a bound of theirs.
    """
    if 2 * log2(bound) > _BITS:
        tuples, bound = _count(tuples)
    numbers, size = tuples[..., 0].astype(np.int64), bound
    for place in range(1, tuples.shape[-1]):
        if log2(size) + log2(bound) > _BITS:
            numbers, size = _count(numbers)
        numbers *= bound
        numbers += tuples[..., place].astype(np.int64, copy=False)
        size *= bound
    return numbers, size


def number_rows(tokens: np.ndarray) -> np.ndarray:
    """Number rows of non-negative integers, [N, d] to int64 [N]."""
    return number_tuples(tokens, int(tokens.max()) + 1)[0]


def _count(numbers: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the distinct ones of some numbers from 0 up."""
    distinct, places = np.unique(numbers, return_inverse=True)
    return places.reshape(numbers.shape), len(distinct)
