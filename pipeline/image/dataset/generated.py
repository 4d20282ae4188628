"""Synthetic pictures with structure at several scales, for tests that read no file."""

import numpy as np

from pipeline.base.randomness import stream_key, uniforms

_CONTRAST = 24
"""Difference between bright and dark lines of the background, in values of a pixel."""


def generate_image(seed: int, number: int, size: int) -> np.ndarray:
    """A square or a disc of one colour before a background that is shaded and ruled.

    The shade runs from one colour to another across the picture, the object has a third of the
    picture's width or more, and lines are two pixels apart.

    Args:
        seed: of all pictures.
        number: of this one; a picture is a pure function of both.
        size: pixels of a side.

    Returns:
        uint8 [3, size, size].
    """
    draws = uniforms(stream_key(seed, "generated images", number), np.arange(15))
    start, stop, colour = 255 * draws[:9].reshape(3, 3, 1, 1)
    angle, across, down, radius, disc, upright = draws[9:]
    y, x = np.mgrid[:size, :size] / max(size - 1, 1)
    slope = (x - 0.5) * np.cos(2 * np.pi * angle) + (y - 0.5) * np.sin(2 * np.pi * angle)
    shade = np.clip(0.5 + slope / 1.5, 0, 1)
    lines = np.arange(size) // 2 % 2 - 0.5
    rules = _CONTRAST * (lines[:, None] if upright < 0.5 else lines[None])
    background = start + (stop - start) * shade + rules
    dx, dy = x - 0.3 - 0.4 * across, y - 0.3 - 0.4 * down
    extent = np.hypot(dx, dy) if disc < 0.5 else np.maximum(np.abs(dx), np.abs(dy))
    inside = extent < 0.17 + 0.13 * radius
    return np.clip(np.where(inside, colour, background), 0, 255).astype(np.uint8)
