"""A uniformly random permutation of tuples of limbs, by a list of all of them, for small spaces."""

from collections.abc import Sequence
from math import prod

import numpy as np

from pipeline.base.randomness import hash64


class ListedPermutation:
    """Permutation of tuples of limbs, each below its modulus; any is as probable as any other."""

    def __init__(self, moduli: Sequence[int], key: int) -> None:
        """Permute tuples of limbs as `key` says; memory and time grow with their number."""
        self._moduli = moduli
        self._images = np.argsort(hash64(key, np.arange(prod(moduli))), kind="stable")
        self._origins = np.argsort(self._images)

    def run(self, limbs: Sequence[np.ndarray]) -> None:
        """Permute limbs, uint64 [N] each, in place."""
        self._look_up(self._images, limbs)

    def run_back(self, limbs: Sequence[np.ndarray]) -> None:
        """Undo `run`, in place."""
        self._look_up(self._origins, limbs)

    def _look_up(self, numbers: np.ndarray, limbs: Sequence[np.ndarray]) -> None:
        places = np.ravel_multi_index([limb.astype(np.int64) for limb in limbs], self._moduli)
        for limb, found in zip(limbs, np.unravel_index(numbers[places], self._moduli), strict=True):
            limb[:] = found
