"""Counter-based random numbers, as `randomness` has them, computed where they are used.

A GPU draws the millions of numbers of a batch of images in a fraction of a millisecond, a host in
a tenth of a second. The numbers are the same, to the last bit.
"""

import numpy as np
import torch
from torch import Tensor

from pipeline.base import randomness


def uniforms_on(
    device: torch.device | None, key: int | np.ndarray, *coordinates: int | np.ndarray
) -> Tensor:
    """`randomness.uniforms` of the same arguments, float64, on a device; with none on the CPU."""
    if device is None or device.type == "cpu":
        return torch.from_numpy(randomness.uniforms(key, *coordinates))
    return mixed_uniforms(device, key, *coordinates)


def mixed_uniforms(
    device: torch.device, key: int | np.ndarray, *coordinates: int | np.ndarray
) -> Tensor:
    """The same numbers by integer operations on the device, of whatever type it is."""
    word = _signed(np.atleast_1d(np.asarray(key, dtype=np.uint64))).to(device)
    for coordinate in coordinates:
        counter = np.atleast_1d(np.asarray(coordinate)).astype(np.uint64)
        word = word + _signed((counter + np.uint64(1)) * randomness.INCREMENT).to(device)
        word = (word ^ _shifted(word, 30)) * _as_signed(randomness.MULTIPLIER_1)
        word = (word ^ _shifted(word, 27)) * _as_signed(randomness.MULTIPLIER_2)
        word = word ^ _shifted(word, 31)
    return _shifted(word, 11).double() * 2.0**-53


def _signed(words: np.ndarray) -> Tensor:
    """The same bits as int64, which PyTorch multiplies on all devices; products wrap alike."""
    return torch.from_numpy(np.ascontiguousarray(words).view(np.int64))


def _as_signed(word: np.uint64) -> int:
    return int(word.astype(np.int64))


def _shifted(words: Tensor, bits: int) -> Tensor:
    """Shift to the right and fill with zeros, where a shift of int64 would repeat the sign."""
    return (words >> bits) & (2 ** (64 - bits) - 1)
