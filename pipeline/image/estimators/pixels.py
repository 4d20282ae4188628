"""Images as strings of tokens, as pictures, and as numbers."""

import numpy as np
from scipy.special import ndtri

from pipeline.base.randomness import uniforms

_CHANNELS = 3
_IMAGES = 256


def as_pictures(tokens: np.ndarray) -> np.ndarray:
    """Pixel values 0..255 of square images, [N, 3 * s * s] to [N, 3, s, s]."""
    side = round((tokens.shape[1] / _CHANNELS) ** 0.5)
    return tokens.reshape(len(tokens), _CHANNELS, side, side)


def as_numbers(tokens: np.ndarray) -> np.ndarray:
    """Pixel values 0..255 as float64 numbers in [-1, 1]."""
    return tokens / 127.5 - 1


def as_tokens(numbers: np.ndarray) -> np.ndarray:
    """Inverse of `as_numbers`, rounded, as uint8; what lies outside of [-1, 1] is clipped."""
    return np.clip(np.rint((numbers + 1) * 127.5), 0, 255).astype(np.uint8)


def white_noise(count: int, length: int, key: int) -> np.ndarray:
    """Images of independent normal numbers of mean 0 and variance 1, as tokens [count, length].

    A share of 0.32 of them is outside of [-1, 1] and clipped.

    Args:
        count: number of images; more of them begin with the same ones.
        length: tokens of an image.
        key: stream key.
    """
    parts = np.array_split(np.arange(count), -(-count // _IMAGES))
    return np.concatenate([_noise(part, length, key) for part in parts])


def _noise(images: np.ndarray, length: int, key: int) -> np.ndarray:
    shares = uniforms(key, images[:, None], np.arange(length))
    return as_tokens(ndtri(shares + 2.0**-54))  # never 0, of which ndtri is not finite
