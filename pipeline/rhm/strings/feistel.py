"""A Feistel network of several limbs: each is shifted in turn by a hash of all others.

Arrays are few and used again and again: fresh memory for every sum, or more of it than stays in
cache, would double the time.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from pipeline.base.randomness import hash64, mix, spread

_ROUNDS = 6
_LISTED = 2**12
"""Most values of a limb whose shifts are listed: the lists stay in cache."""


class FeistelNetwork:
    """Permutation of tuples of limbs, each below its modulus."""

    def __init__(self, moduli: Sequence[int], key: int) -> None:
        """Permute tuples of at least two limbs, with moduli below 2**63, as `key` says."""
        self._moduli = [np.uint64(modulus) for modulus in moduli]
        self._keys = hash64(key, np.arange(_ROUNDS)[:, None], np.arange(len(moduli)))
        self._steps = list(product(range(_ROUNDS), range(len(moduli))))
        self._lists: dict[tuple[int, int], np.ndarray] = {}
        if len(moduli) == 2 and max(moduli) <= _LISTED:
            self._lists = {(turn, index): self._list(turn, index) for turn, index in self._steps}

    def run(self, limbs: Sequence[np.ndarray]) -> None:
        """Permute limbs, uint64 [N] each, in place."""
        arrays = _Arrays(limbs, spread_out=not self._lists)
        for turn, index in self._steps:
            shift = self._shift(arrays, turn, index)
            arrays.add(index, shift, self._moduli[index])

    def run_back(self, limbs: Sequence[np.ndarray]) -> None:
        """Undo `run`, in place."""
        arrays = _Arrays(limbs, spread_out=not self._lists)
        for turn, index in reversed(self._steps):
            shift = self._shift(arrays, turn, index)
            arrays.add(
                index, np.subtract(self._moduli[index], shift, out=shift), self._moduli[index]
            )

    def _list(self, turn: int, index: int) -> np.ndarray:
        """Shifts of one of two limbs by the value of the other."""
        other = np.arange(self._moduli[1 - index], dtype=np.uint64)
        limbs = [other, other]
        return self._hashed(_Arrays(limbs, spread_out=True), turn, index)

    def _shift(self, arrays: "_Arrays", turn: int, index: int) -> np.ndarray:
        if not self._lists:
            return self._hashed(arrays, turn, index)
        other = arrays.limbs[1 - index].view(np.int64)
        return np.take(self._lists[turn, index], other, out=arrays.word, mode="clip")

    def _hashed(self, arrays: "_Arrays", turn: int, index: int) -> np.ndarray:
        """Hash of all limbs but one, below the modulus of that one."""
        word, scratch = arrays.word, arrays.scratch
        first, *others = (s for other, s in enumerate(arrays.spreads) if other != index)
        np.add(first, self._keys[turn, index], out=word)
        mix(word, scratch)
        for other in others:
            np.add(word, other, out=word)
            mix(word, scratch)
        return _reduce(word, self._moduli[index], scratch)


class _Arrays:
    """Limbs, what they add to a hash, and two arrays to work in, all uint64 [N]."""

    def __init__(self, limbs: Sequence[np.ndarray], spread_out: bool) -> None:
        self.limbs = limbs
        self.spreads = [spread(limb) for limb in limbs] if spread_out else []
        self.word, self.scratch = np.empty_like(limbs[0]), np.empty_like(limbs[0])

    def add(self, index: int, shift: np.ndarray, modulus: np.uint64) -> None:
        """Add a shift, at most the modulus, to a limb."""
        limb = self.limbs[index]
        np.add(limb, shift, out=limb)
        np.subtract(limb, modulus, out=self.scratch)  # wraps around to huge numbers below 0
        np.minimum(limb, self.scratch, out=limb)
        if self.spreads:
            spread(limb, out=self.spreads[index])


def _reduce(word: np.ndarray, modulus: np.uint64, scratch: np.ndarray) -> np.ndarray:
    """Remainder in place, without `%`, for which numpy has no vector instructions."""
    if modulus & (modulus - np.uint64(1)) == 0:
        return np.bitwise_and(word, modulus - np.uint64(1), out=word)
    np.floor_divide(word, modulus, out=scratch)
    np.multiply(scratch, modulus, out=scratch)
    return np.subtract(word, scratch, out=word)
