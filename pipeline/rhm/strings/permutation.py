"""A seeded permutation of a mixed-radix index space, without a list of it and at any size.

The space is the product of small radices, P_max = v * m * m * ..., which passes 2**63 for real
grammars. Digits are grouped into limbs below 2**40, and a Feistel network adds to each limb in
turn a hash of all others: a bijection of exactly this space, with no walk back into range.

Where strings are few, or a limb takes one value or two, a list of all is shuffled instead: of all
permutations such sums would reach a part (with one value: cyclic shifts), or some too often.
"""

from collections.abc import Sequence
from math import log2, prod

import numpy as np

from pipeline.rhm.strings.feistel import FeistelNetwork
from pipeline.rhm.strings.listed import ListedPermutation

_LIMB_BITS = 32
_FEWEST_STRINGS, _FEWEST_VALUES = 32, 3
"""Sizes of the space and of each limb from which on a Feistel network permutes.

A language with a smaller limb has one synonym, or one level of rules and two symbols or synonyms.
"""


class MixedRadixPermutation:
    """Bijection between positions 0..size-1 and digit strings of the given radices."""

    def __init__(self, radices: Sequence[int], key: int) -> None:
        """Permute the space of `radices` (at least two digits) as `key` says."""
        self._limbs = _group_into_limbs(radices)
        self._moduli = [prod(limb) for limb in self._limbs]
        self._digit_type = np.min_scalar_type(max(radices) - 1)
        self.size = prod(radices)
        small = self.size < _FEWEST_STRINGS or min(self._moduli) < _FEWEST_VALUES
        self._network = (ListedPermutation if small else FeistelNetwork)(self._moduli, key)

    def digits(self, positions: np.ndarray) -> np.ndarray:
        """Digits, unsigned [N, number of radices], at positions int64 [N] below `size`.

        They are laid out digit by digit, as they are made and used. Some 2**14 positions at a time
        are fastest.
        """
        limbs = _split(positions.astype(np.uint64), self._moduli)
        self._network.run(limbs)
        digits = np.empty((sum(map(len, self._limbs)), len(positions)), self._digit_type)
        rows = iter(digits)
        for limb, radices in zip(limbs, self._limbs, strict=True):
            _split_into([next(rows) for _ in radices], limb, radices)
        return digits.T

    def positions(self, digits: np.ndarray) -> list[int]:
        """Inverse of `digits`, as exact Python integers."""
        limbs, used = [], 0
        for radices in self._limbs:
            limbs.append(_join(digits[:, used : used + len(radices)], radices))
            used += len(radices)
        self._network.run_back(limbs)
        weights = [prod(self._moduli[:index]) for index in range(len(self._moduli))]
        rows = zip(*(limb.tolist() for limb in limbs), strict=True)
        return [sum(w * limb for w, limb in zip(weights, row, strict=True)) for row in rows]


def _group_into_limbs(radices: Sequence[int]) -> list[list[int]]:
    bits = sum(log2(radix) for radix in radices)
    target = bits / max(2, int(bits // _LIMB_BITS) + 1)
    limbs: list[list[int]] = [[]]
    for radix in radices:
        full = log2(prod(limbs[-1])) + log2(radix) / 2 > target
        if limbs[-1] and (full or limbs == [list(radices[:-1])]):
            limbs.append([])
        limbs[-1].append(radix)
    return limbs


def _split(number: np.ndarray, radices: Sequence[int]) -> list[np.ndarray]:
    """Digits of a mixed-radix number, least significant first, each of the number's type."""
    digits = list(np.empty((len(radices), *number.shape), number.dtype))
    _split_into(digits, number, radices)
    return digits


def _split_into(rows: list[np.ndarray], number: np.ndarray, radices: Sequence[int]) -> None:
    """Write digits of a mixed-radix number, least significant first, to rows of any type.

    Not by `np.divmod`: numpy has vector instructions for quotients, but none for remainders.
    """
    if (size := prod(radices)) < 2**32:
        number = number.astype(np.min_scalar_type(size))
    quotient, multiple = np.empty_like(number), np.empty_like(number)
    for row, radix in zip(rows, radices, strict=True):
        np.floor_divide(number, radix, out=quotient)
        np.multiply(quotient, radix, out=multiple)
        np.subtract(number, multiple, out=row, casting="unsafe")
        number, quotient = quotient, number


def _join(digits: np.ndarray, radices: Sequence[int]) -> np.ndarray:
    weights = np.array([prod(radices[:i]) for i in range(len(radices))], dtype=np.uint64)
    return digits.astype(np.uint64) @ weights
