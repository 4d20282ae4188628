"""Named readings of "linear schedule": alpha_bar_t, the chance that a token is still uncorrupted.

The paper says "linear schedule, T = 1000". Three readings are in use and they differ: with the
exact denoiser, ancestral sampling is nearly perfect under `linear_alpha_bar` and not under
`d3pm_linear_beta`, which destroys the string within few levels. The default is our choice.
"""

import numpy as np


def _linear_alpha_bar(levels: int) -> np.ndarray:
    return 1 - np.arange(1, levels + 1) / levels


def _ddpm_linear_beta(levels: int) -> np.ndarray:
    beta = np.linspace(1e-4, 0.02, levels) * 1000 / levels
    return np.cumprod(1 - np.minimum(beta, 1))


def _d3pm_linear_beta(levels: int) -> np.ndarray:
    return np.cumprod(1 - np.linspace(0.02, 1.0, levels))


SCHEDULES = {
    "linear_alpha_bar": _linear_alpha_bar,
    "ddpm_linear_beta": _ddpm_linear_beta,
    "d3pm_linear_beta": _d3pm_linear_beta,
}


def alpha_bar(schedule: str, levels: int) -> np.ndarray:
    """alpha_bar at t = 0..levels, float64 [levels + 1], from 1 downwards.

    `linear_alpha_bar` is 1 - t/T; `ddpm_linear_beta` has beta from 1e-4 to 0.02 (Ho et al. 2020,
    rescaled to T levels); `d3pm_linear_beta` has beta from 0.02 to 1 (Austin et al. 2021).
    """
    return np.concatenate([[1.0], SCHEDULES[schedule](levels)])
