"""A seeded permutation of a mixed-radix index space, without a list of it and at any size.

The space is the product of small radices, P_max = v * m * m * ..., which passes 2**63 for real
grammars. Digits are grouped into limbs below 2**40, and a Feistel network adds to each limb in
turn a hash of all others: a bijection of exactly this space, with no walk back into range.

Where strings are few, or a limb takes one value or two, a list of all is shuffled instead: of all
permutations such sums would reach a part (with one value: cyclic shifts), or some too often.
"""

from collections.abc import Sequence
from itertools import product
from math import log2, prod

import numpy as np

from pipeline.randomness import hash64

_LIMB_BITS = 32
_ROUNDS = 6
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
        self.size = prod(radices)
        small = self.size < _FEWEST_STRINGS or min(self._moduli) < _FEWEST_VALUES
        self._bijection = (_ShuffledList if small else _FeistelNetwork)(self._moduli, key)

    def digits(self, positions: np.ndarray) -> np.ndarray:
        """Digits, int64 [N, number of radices], at positions int64 [N] below `size`."""
        limbs = self._bijection.forward(_split(positions.astype(np.uint64), self._moduli))
        pairs = zip(limbs, self._limbs, strict=True)
        digits = [digit for limb, radices in pairs for digit in _split(limb, radices)]
        return np.stack(digits, axis=1).astype(np.int64)

    def positions(self, digits: np.ndarray) -> list[int]:
        """Inverse of `digits`, as exact Python integers."""
        limbs, used = [], 0
        for radices in self._limbs:
            limbs.append(_join(digits[:, used : used + len(radices)].T.astype(np.uint64), radices))
            used += len(radices)
        # Of Python's integers, as the whole can pass 64 bits.
        found = [limb.astype(object) for limb in self._bijection.backward(limbs)]
        return _join(found, self._moduli).tolist()


class _FeistelNetwork:
    """Permutation of tuples of limbs: each is shifted in turn by a hash of all others."""

    def __init__(self, moduli: Sequence[int], key: int) -> None:
        """Permute tuples of at least two limbs, each below its modulus, as `key` says."""
        self._moduli = np.array(moduli, np.uint64)
        self._keys = hash64(key, np.arange(_ROUNDS)[:, None], np.arange(len(moduli)))
        self._steps = list(product(range(_ROUNDS), range(len(moduli))))

    def forward(self, limbs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Permute limbs, uint64 [N] each."""
        limbs = list(limbs)
        for turn, index in self._steps:
            shift = self._shift(limbs, turn, index)
            limbs[index] = (limbs[index] + shift) % self._moduli[index]
        return limbs

    def backward(self, limbs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Undo `forward`."""
        limbs = list(limbs)
        for turn, index in reversed(self._steps):
            modulus, shift = self._moduli[index], self._shift(limbs, turn, index)
            limbs[index] = (limbs[index] + (modulus - shift)) % modulus
        return limbs

    def _shift(self, limbs: Sequence[np.ndarray], turn: int, index: int) -> np.ndarray:
        """Hash of all limbs but one, below the modulus of that one."""
        others = (limb for other, limb in enumerate(limbs) if other != index)
        return hash64(self._keys[turn, index], *others) % self._moduli[index]


class _ShuffledList:
    """Permutation of all tuples of limbs, of which any is as probable as any other."""

    def __init__(self, moduli: Sequence[int], key: int) -> None:
        """Permute tuples of limbs, each below its modulus, as `key` says."""
        self._moduli = moduli
        self._images = np.argsort(hash64(key, np.arange(prod(moduli))), kind="stable")

    def forward(self, limbs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Permute limbs, uint64 [N] each."""
        return self._look_up(self._images, limbs)

    def backward(self, limbs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Undo `forward`."""
        return self._look_up(np.argsort(self._images), limbs)

    def _look_up(self, numbers: np.ndarray, limbs: Sequence[np.ndarray]) -> list[np.ndarray]:
        places = np.ravel_multi_index([limb.astype(np.int64) for limb in limbs], self._moduli)
        found = np.unravel_index(numbers[places], self._moduli)
        return [limb.astype(np.uint64) for limb in found]


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
    """Digits of a mixed-radix number, least significant first."""
    digits = []
    for radix in radices:
        quotient = number // np.uint64(radix)
        digits.append(number - quotient * np.uint64(radix))
        number = quotient
    return digits


def _join(digits: Sequence[np.ndarray], radices: Sequence[int]) -> np.ndarray:
    """Mixed-radix number of digits, least significant first, of their type."""
    number = digits[-1]
    for digit, radix in zip(reversed(digits[:-1]), reversed(radices[:-1]), strict=True):
        number = number * radix + digit
    return number
