"""Endless batches whose content is a pure function of (replica key, step).

There is no loader state: a run resumed at step k reads what an uninterrupted one would have read.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from pipeline.randomness import hash64, stream_key, uniforms

Batch = tuple[int, Tensor, Tensor, Tensor]
"""Step, clean tokens [R, B, d], noise levels [R, B] and uniforms [R, B, d, 2] for the noise."""

Times = Callable[[np.ndarray], np.ndarray]
"""From numbers that are uniform on [0, 1) to noise levels of the same shape."""


class Batches(IterableDataset):
    """Batches of an ensemble from `first_step` on; every replica has data of its own.

    Args:
        training: tokens [R, P, d]; may be a memory map, of which only a batch's rows are read.
        keys: one per replica.
        batch_size: strings per step and replica; may exceed P.
        times: noise levels of uniform numbers.
        shuffle: visit the strings in a new order every epoch; else in the first they are read in
            the order they stand, and only later epochs have orders of their own.
        low_discrepancy: spread the levels of a batch evenly, by u + i / B modulo 1 with one u for
            all of it (Kingma et al. 2021), else draw each by itself.
        first_step: step of the first batch.
        parts: into how many equal parts a batch is cut, for gradients to be summed over.
    """

    def __init__(
        self,
        training: np.ndarray,
        keys: Sequence[int],
        batch_size: int,
        times: Times,
        shuffle: bool,
        low_discrepancy: bool,
        first_step: int,
        parts: int,
    ) -> None:
        super().__init__()
        self._training, self._batch_size, self._times = training, batch_size, times
        self._shuffle, self._low_discrepancy = shuffle, low_discrepancy
        self._first_step, self._parts = first_step, parts
        self._order_keys = _keys(keys, "order")
        self._noise_keys = _keys(keys, "noise")
        self._level_keys = _keys(keys, "level")
        self._epoch_order = lru_cache(maxsize=2)(self._draw_epoch_order)

    def __iter__(self) -> Iterator[Batch]:
        """Parts of batches without end."""
        for step in count(self._first_step):
            _, *tensors = self.batch(step)
            for part in zip(*(tensor.chunk(self._parts, dim=1) for tensor in tensors), strict=True):
                yield step, *part

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        rows = self._rows(step)
        tokens = np.take_along_axis(self._training, rows[:, :, None], axis=1).astype(np.int64)
        index = np.arange(self._batch_size)
        levels = self._times(self._level_uniforms(step, index))
        place = np.arange(tokens.shape[2])[:, None], np.arange(2)
        draws = uniforms(self._noise_keys[..., None, None], step, index[:, None, None], *place)
        return step, torch.from_numpy(tokens), torch.from_numpy(levels), torch.from_numpy(draws)

    def _level_uniforms(self, step: int, index: np.ndarray) -> np.ndarray:
        if not self._low_discrepancy:
            return uniforms(self._level_keys, step, index)
        return (uniforms(self._level_keys, step, 0) + index / self._batch_size) % 1

    def _rows(self, step: int) -> np.ndarray:
        size = self._training.shape[1]
        epochs, places = np.divmod(step * self._batch_size + np.arange(self._batch_size), size)
        orders = [self._epoch_order(int(e))[:, places[epochs == e]] for e in np.unique(epochs)]
        return np.concatenate(orders, axis=1)

    def _draw_epoch_order(self, epoch: int) -> np.ndarray:
        replicas, size = self._training.shape[:2]
        if epoch == 0 and not self._shuffle:
            return np.broadcast_to(np.arange(size), (replicas, size))
        return np.argsort(hash64(self._order_keys, epoch, np.arange(size)), axis=1, kind="stable")


def _keys(keys: Sequence[int], purpose: str) -> np.ndarray:
    return np.array([[stream_key(key, "training", purpose)] for key in keys], dtype=np.uint64)
