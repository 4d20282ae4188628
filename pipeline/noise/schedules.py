"""Named schedules of alpha_bar_t, which tells how much of a string is left at noise level t.

For discrete noise it is the chance that a token is still uncorrupted, for Gaussian noise the square
of the factor of x_0 in x_t.

For grammars the paper says "linear schedule, T = 1000", and its released code is linear in beta.
Other readings are in use and differ: with the exact denoiser, ancestral sampling is nearly perfect
under most of them, but not under `d3pm_linear_beta`, which destroys the string within few levels.
For images the paper says "cosine schedule", and there is only one.
"""

from collections.abc import Callable

import numpy as np

from pipeline.base.choices import Choices


def linear_beta(levels: int, first: float, last: float) -> np.ndarray:
    """alpha_bar at t = 0..levels, float64 [levels + 1], of the released code.

    beta_t = first + (last - first) t / T for t = 0..T, and alpha_bar_t is the product of 1 - beta_u
    over u = 0..t. So alpha_bar_0 = 1 - first, not 1: even level 0 has a little noise.
    """
    beta = first + (last - first) * np.arange(levels + 1) / levels
    return np.cumprod(1 - beta)


def _linear_alpha_bar(levels: int) -> np.ndarray:
    """1 - t/T."""
    return _from_one(1 - np.arange(1, levels + 1) / levels)


def _ddpm_linear_beta(levels: int) -> np.ndarray:
    """Of Ho et al. (2020): beta from 1e-4 to 0.02 at T = 1000, rescaled to T levels."""
    beta = np.linspace(1e-4, 0.02, levels) * 1000 / levels
    # Below 20 levels the last rescaled beta would exceed 1.
    return _from_one(np.cumprod(1 - np.minimum(beta, 1)))


def _d3pm_linear_beta(levels: int) -> np.ndarray:
    """Of Austin et al. (2021): beta from 0.02 to 1."""
    return _from_one(np.cumprod(1 - np.linspace(0.02, 1.0, levels)))


def _cosine(levels: int) -> np.ndarray:
    """Of Nichol & Dhariwal (2021), eq. 17: cos^2((t/T + 0.008) / 1.008 pi/2), relative to t = 0.

    beta is at most 0.999, as the last one would be 1 and leave nothing of x_0 to start from.
    """
    angles = (np.arange(levels + 1) / levels + 0.008) / 1.008 * np.pi / 2
    remaining = np.cos(angles) ** 2
    return _from_one(np.cumprod(1 - np.minimum(1 - remaining[1:] / remaining[:-1], 0.999)))


def _from_one(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[1.0], values])


SCHEDULES: Choices[Callable[..., np.ndarray]] = Choices(
    "noise.schedule",
    {
        "linear_alpha_bar": _linear_alpha_bar,
        "ddpm_linear_beta": _ddpm_linear_beta,
        "d3pm_linear_beta": _d3pm_linear_beta,
        "linear_beta": linear_beta,
        "cosine": _cosine,
    },
)
READINGS = SCHEDULES.named("linear_alpha_bar", "ddpm_linear_beta", "d3pm_linear_beta")
"""Readings of "linear schedule" for any number of levels, from alpha_bar_0 = 1; stage `ceiling`
samples under each of them."""


def alpha_bar(kind: str, levels: int, **ends: float) -> np.ndarray:
    """alpha_bar at t = 0..levels, float64 [levels + 1], falling.

    Args:
        kind: of the schedule, a key of `SCHEDULES`.
        levels: noise levels T.
        ends: further settings of this kind, by their names.
    """
    return SCHEDULES[kind](levels, **ends)
