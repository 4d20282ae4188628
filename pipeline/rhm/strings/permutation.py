"""A seeded permutation of a mixed-radix index space, without a list of it and at any size.

The space is the product of small radices, P_max = v * m * m * ..., which passes 2**63 for real
grammars. Digits are grouped into limbs below 2**40, and a Feistel network adds to each limb in
turn a hash of all others: a bijection of exactly this space, with no walk back into range.

Where strings are few, or a limb takes one value or two, a list of all strings is shuffled instead:
such sums would reach only a part of all permutations (with one value, cyclic shifts), or some of
them too often.
"""

from collections.abc import Sequence
from itertools import product
from math import log2, prod

import numpy as np

from pipeline.base.randomness import hash64

_LIMB_BITS = 32
_ROUNDS = 6
_FEWEST_STRINGS, _FEWEST_VALUES = 32, 3
"""Sizes of the space and of each limb from which on a Feistel network permutes.

A language with a smaller limb has one synonym, or one level of rules and two symbols or synonyms.
"""


class MixedRadixPermutation:
    """Bijection from positions 0..size-1 to digit strings of the given radices."""

    def __init__(self, radices: Sequence[int], key: int) -> None:
        """Permute the space of `radices` (at least two digits) as `key` says."""
        self.size, self._key = prod(radices), key
        self._limbs = _group_into_limbs(radices)
        self._moduli = [prod(limb) for limb in self._limbs]
        few = self.size < _FEWEST_STRINGS or min(self._moduli) < _FEWEST_VALUES
        self._permute = _shuffle_list if few else _run_feistel_network

    def digits(self, positions: np.ndarray) -> np.ndarray:
        """Digits, int64 [N, number of radices], at positions int64 [N] below `size`."""
        limbs = _split(positions.astype(np.uint64), self._moduli)
        limbs = self._permute(limbs, self._moduli, self._key)
        pairs = zip(limbs, self._limbs, strict=True)
        digits = [digit for limb, radices in pairs for digit in _split(limb, radices)]
        return np.stack(digits, axis=1).astype(np.int64)


def _run_feistel_network(
    limbs: Sequence[np.ndarray], moduli: Sequence[int], key: int
) -> list[np.ndarray]:
    """Shift each limb in turn, modulo its modulus, by a hash of all others; uint64 [N] each."""
    limbs = list(limbs)
    keys = hash64(key, np.arange(_ROUNDS)[:, None], np.arange(len(limbs)))
    for turn, index in product(range(_ROUNDS), range(len(limbs))):
        modulus = np.uint64(moduli[index])
        others = limbs[:index] + limbs[index + 1 :]
        shift = hash64(keys[turn, index], *others) % modulus
        limbs[index] = (limbs[index] + shift) % modulus
    return limbs


def _shuffle_list(limbs: Sequence[np.ndarray], moduli: Sequence[int], key: int) -> list[np.ndarray]:
    """Replace tuples of limbs, uint64 [N] each, by those that a shuffle of all has in their place.

    Any order is as probable as any other.
    """
    order = np.argsort(hash64(key, np.arange(prod(moduli))), kind="stable")
    places = np.ravel_multi_index([limb.astype(np.int64) for limb in limbs], moduli)
    return list(np.unravel_index(order[places], moduli))


def _group_into_limbs(radices: Sequence[int]) -> list[list[int]]:
    bits = sum(log2(radix) for radix in radices)
    target = bits / max(2, int(bits // _LIMB_BITS) + 1)
    limbs: list[list[int]] = [[]]
    for radix in radices:
        # A radix joins a limb if more than half of its bits fit, but the last one joins no limb of
        # all others: a Feistel network needs two.
        full = log2(prod(limbs[-1])) + log2(radix) / 2 > target
        if limbs[-1] and (full or limbs == [list(radices[:-1])]):
            limbs.append([])
        limbs[-1].append(radix)
    return limbs


def _split(number: np.ndarray, radices: Sequence[int]) -> list[np.ndarray]:
    """Digits of a mixed-radix number, least significant first."""
    digits = []
    for radix in radices:
        quotient = number // radix
        digits.append(number - quotient * radix)  # numpy is slower at remainders
        number = quotient
    return digits
