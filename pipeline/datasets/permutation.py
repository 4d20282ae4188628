"""A seeded permutation of a mixed-radix index space, without a list of it and at any size.

The space is the product of small radices, P_max = v * m * m * ..., which passes 2**63 for real
grammars. Digits are grouped into limbs below 2**40, and a Feistel network adds to each limb in
turn a hash of all others: a bijection of exactly this space, with no walk back into range.
"""

from collections.abc import Sequence
from math import log2, prod

import numpy as np

from pipeline.randomness import hash64

_ROUNDS = 6
_LIMB_BITS = 32


class MixedRadixPermutation:
    """Bijection between positions 0..size-1 and digit strings of the given radices."""

    def __init__(self, radices: Sequence[int], key: int) -> None:
        """Permute the space of `radices` (at least two digits) as `key` says."""
        self._key = key
        self._limbs = _group_into_limbs(radices)
        self._moduli = [prod(limb) for limb in self._limbs]
        self._digit_type = np.min_scalar_type(max(radices) - 1)
        self.size = prod(radices)

    def digits(self, positions: np.ndarray) -> np.ndarray:
        """Digits, unsigned [N, number of radices], at positions int64 [N] below `size`."""
        limbs = _split(positions.astype(np.uint64), self._moduli)
        for turn in range(_ROUNDS):
            for index, modulus in enumerate(self._moduli):
                limbs[index] = (limbs[index] + self._shift(limbs, turn, index)) % np.uint64(modulus)
        parts = [_split(limb, radices) for limb, radices in zip(limbs, self._limbs, strict=True)]
        return np.stack([digit for part in parts for digit in part], axis=1).astype(
            self._digit_type
        )

    def positions(self, digits: np.ndarray) -> list[int]:
        """Inverse of `digits`, as exact Python integers."""
        limbs, used = [], 0
        for radices in self._limbs:
            limbs.append(_join(digits[:, used : used + len(radices)], radices))
            used += len(radices)
        for turn in reversed(range(_ROUNDS)):
            for index, modulus in reversed(list(enumerate(self._moduli))):
                back = np.uint64(modulus) - self._shift(limbs, turn, index)
                limbs[index] = (limbs[index] + back) % np.uint64(modulus)
        weights = [prod(self._moduli[:index]) for index in range(len(self._moduli))]
        rows = zip(*(limb.tolist() for limb in limbs), strict=True)
        return [sum(w * limb for w, limb in zip(weights, row, strict=True)) for row in rows]

    def _shift(self, limbs: list[np.ndarray], turn: int, index: int) -> np.ndarray:
        others = [limb for other, limb in enumerate(limbs) if other != index]
        return hash64(self._key, turn, index, *others) % np.uint64(self._moduli[index])


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
        number, digit = np.divmod(number, np.uint64(radix))
        digits.append(digit)
    return digits


def _join(digits: np.ndarray, radices: Sequence[int]) -> np.ndarray:
    weights = np.array([prod(radices[:i]) for i in range(len(radices))], dtype=np.uint64)
    return digits.astype(np.uint64) @ weights
