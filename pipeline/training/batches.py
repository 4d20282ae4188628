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

from pipeline.artifacts.chosen_rows import Strings
from pipeline.base.device_randomness import uniforms_on
from pipeline.base.randomness import hash64, stream_key, uniforms

Batch = tuple[int, Tensor, Tensor, Tensor]
"""Step, clean tokens [R, B, d], noise levels [R, B] and uniforms [R, B, d, 2] for the noise.

B counts every noisy copy of a string.
"""

_MOST_STEPS, _MOST_TOKENS = 16, 2**14
"""Most steps whose batches are made at once, and most tokens in them, unless one step has more."""

Times = Callable[[np.ndarray], np.ndarray]
"""From numbers that are uniform on [0, 1) to noise levels of the same shape."""


class Batches(IterableDataset[Batch]):
    """Batches of an ensemble from `first_step` on; every replica has data of its own.

    Args:
        training: tokens [R, P, d], of which only those of a batch are read at a time.
        keys: one per replica.
        batch_size: strings per step and replica; may exceed P.
        trajectories: noisy copies of every string in its batch, each at a level of its own.
        times: noise levels of uniform numbers.
        shuffle: visit the strings in a new order every epoch; else in the first they are read in
            the order they stand, and only later epochs have orders of their own.
        low_discrepancy: spread the levels of a batch evenly, by u + i / B modulo 1 with one u for
            all of it (Kingma et al. 2021), else draw each by itself.
        first_step: step of the first batch.
        device: where to put the batches.
    """

    def __init__(
        self,
        training: Strings,
        keys: Sequence[int],
        batch_size: int,
        trajectories: int,
        times: Times,
        shuffle: bool,
        low_discrepancy: bool,
        first_step: int,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()
        self._training, self._batch_size, self._times = training, batch_size, times
        self._copies = trajectories
        self._shuffle, self._low_discrepancy = shuffle, low_discrepancy
        self._first_step, self._device = first_step, device
        self._order_keys = _keys(keys, "order")
        self._noise_keys = _keys(keys, "noise")
        self._level_keys = _keys(keys, "level")
        self._epoch_order = lru_cache(maxsize=2)(self._draw_epoch_order)
        self._block = lru_cache(maxsize=1)(self._make_block)
        self._block_size = max(
            1, min(_MOST_STEPS, _MOST_TOKENS // (batch_size * trajectories * training[:, 0].size))
        )

    def __iter__(self) -> Iterator[Batch]:
        """Batches without end."""
        return map(self.batch, count(self._first_step))

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        block, place = divmod(step, self._block_size)
        tokens, levels, draws = self._block(block)
        return step, tokens[place], levels[place], draws[place]

    def _make_block(self, block: int) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, levels and uniforms of a block of steps, as tiny arrays cost as much as small."""
        steps = block * self._block_size + np.arange(self._block_size)
        rows = np.stack([self._rows(int(step)) for step in steps]).repeat(self._copies, axis=2)
        replica = np.arange(self._training.shape[0])[:, None]
        tokens = self._training[replica, rows].astype(np.int64)
        levels = self._times(self._level_uniforms(steps[:, None, None]))
        place = np.arange(tokens.shape[2])[:, None, None], np.arange(tokens.shape[3])[:, None]
        keys, steps = self._noise_keys[..., None, None], steps.reshape(-1, 1, 1, 1, 1)
        draws = uniforms_on(self._device, keys, steps, *place, np.arange(2))
        return self._put(tokens), self._put(levels), draws

    def _put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _level_uniforms(self, steps: np.ndarray) -> np.ndarray:
        """Uniforms of a batch's levels, [..., R, B]; copies of a string are spread out, too."""
        draws = self._batch_size * self._copies
        if not self._low_discrepancy:
            return uniforms(self._level_keys, steps, np.arange(draws))
        string, copy = np.divmod(np.arange(draws), self._copies)
        spread = (string + copy * self._batch_size) / draws
        return (uniforms(self._level_keys, steps, 0) + spread) % 1

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
