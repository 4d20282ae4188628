"""Gaussian diffusion of pixels with learned variances: Improved DDPM (Nichol & Dhariwal 2021).

A token is a pixel value 0..255; as a number it is token / 127.5 - 1, in [-1, 1]. Then

    q(x_t | x_0) = N(sqrt(abar_t) x_0, 1 - abar_t),

and a network puts out two numbers per pixel: the noise epsilon in x_t, and v, which places the
log-variance of p(x_{t-1} | x_t) between its bounds. As x_t is nearly x_0 at low levels and nearly
epsilon at high ones, small differences count: so all is computed in float64, which costs nothing
beside a network.
"""

import math

import numpy as np
import torch
from torch import Tensor

from pipeline.base.errors import PipelineError
from pipeline.noise.base import whole_levels
from pipeline.noise.level_values import LevelValues

_FAR = 1e3
"""Open ends of the outermost bins of pixel values: as good as infinite, with finite gradients."""


def as_numbers(tokens: Tensor) -> Tensor:
    """Pixel values 0..255 as numbers in [-1, 1], float64."""
    return tokens.double() / 127.5 - 1


def standard_normal(first: Tensor, second: Tensor) -> Tensor:
    """Standard normal numbers, float64, each from two uniform on [0, 1) (Box & Muller 1958)."""
    # log(1 - u), not log(u): the first of the two can be 0, and is never 1
    return (-2 * torch.log1p(-first)).sqrt() * torch.cos(2 * math.pi * second)


class GaussianNoise:
    """Gaussian noise on pixels of 256 values.

    Attributes:
        levels: T.
        original_levels: for each of the levels 0..T, which level it was in the process that this
            one was respaced from, int64 [T + 1]. Networks are told this number.
    """

    symbols = 256

    def __init__(self, alpha_bar: np.ndarray, original_levels: np.ndarray | None = None) -> None:
        """Levels are 1..T, of the given alpha_bar, float64 [T + 1], T at least 2.

        Raises:
            PipelineError: nothing of x_0 is left at the last level, so that it cannot be estimated.
        """
        if alpha_bar[-1] <= 0:
            raise PipelineError(
                f"noise: alpha_bar is 0 after noise.noise_levels = {len(alpha_bar) - 1} of this "
                "noise.schedule; choose more levels"
            )
        self.levels = len(alpha_bar) - 1
        own = np.arange(self.levels + 1)
        self.original_levels = torch.from_numpy(own if original_levels is None else original_levels)
        beta = 1 - alpha_bar[1:] / alpha_bar[:-1]
        posterior = beta * (1 - alpha_bar[:-1]) / (1 - alpha_bar[1:])
        posterior[0] = posterior[1]  # zero has no logarithm; as in Improved DDPM's code
        nothing = [np.nan]  # at level 0
        self._alpha_bar = LevelValues(alpha_bar)
        self._beta = LevelValues(np.concatenate([nothing, beta]))
        self._log_beta = LevelValues(np.log(np.concatenate([nothing, beta])))
        self._log_posterior = LevelValues(np.log(np.concatenate([nothing, posterior])))

    def times(self, uniforms: np.ndarray) -> np.ndarray:
        """Levels 1..T."""
        return whole_levels(uniforms, self.levels)

    def respaced(self, steps: int) -> "GaussianNoise":
        """The process at `steps` of the levels only, evenly spaced, first and last among them.

        Raises:
            PipelineError: there are fewer levels.
        """
        if steps > self.levels:
            raise PipelineError(
                f"sampling: sampling.steps = {steps} exceeds noise.noise_levels = {self.levels}; "
                "choose fewer, or null for all"
            )
        kept = np.linspace(1, self.levels, steps).round().astype(np.int64)
        kept = np.concatenate([[0], kept])
        return GaussianNoise(self._alpha_bar.numpy()[kept], self.original_levels.numpy()[kept])

    def corrupt(self, x0: Tensor, t: Tensor, uniforms: Tensor) -> Tensor:
        """Draw x_t, float32 [..., d]."""
        alpha_bar = _at(self._alpha_bar, t)
        epsilon = standard_normal(uniforms[..., 0], uniforms[..., 1])
        return (alpha_bar.sqrt() * as_numbers(x0) + (1 - alpha_bar).sqrt() * epsilon).float()

    def squared_error(self, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Squared error of the predicted noise, float32 [..., d]."""
        alpha_bar = _at(self._alpha_bar, t)
        epsilon = (xt.double() - alpha_bar.sqrt() * as_numbers(x0)) / (1 - alpha_bar).sqrt()
        return (outputs[..., 0] - epsilon).square().float()

    def variational_bound(self, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """KL between Gaussians, or at t = 1 -log p of the pixel value, nats, float32 [..., d]."""
        clean = as_numbers(x0)
        mean, log_variance = self.reverse(outputs, xt, t, clip=False)
        log_ratio = _at(self._log_posterior, t) - log_variance
        distance = (self._posterior_mean(clean, xt, t) - mean).square() * (-log_variance).exp()
        divergence = 0.5 * (log_ratio.expm1() - log_ratio + distance)
        surprise = -_log_bin_probability(x0, mean, (0.5 * log_variance).exp())
        return torch.where((t == 1).unsqueeze(-1), surprise, divergence).float()

    def reverse(self, outputs: Tensor, xt: Tensor, t: Tensor, clip: bool) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of p(x_{t-1} | x_t), float64 [..., d].

        Args:
            outputs: of the network, [..., d, 2].
            xt: corrupted images, [..., d].
            t: levels, int64 [...].
            clip: whether the x_0 that the predicted noise implies is clipped to [-1, 1].
        """
        alpha_bar, epsilon, v = _at(self._alpha_bar, t), *outputs.double().unbind(dim=-1)
        clean = (xt.double() - (1 - alpha_bar).sqrt() * epsilon) / alpha_bar.sqrt()
        if clip:
            clean = clean.clamp(-1, 1)
        weight = (v + 1) / 2  # v from -1 to 1 leads from one bound to the other
        log_variance = torch.lerp(_at(self._log_posterior, t), _at(self._log_beta, t), weight)
        return self._posterior_mean(clean, xt, t), log_variance

    def _posterior_mean(self, clean: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Mean of q(x_{t-1} | x_t, x_0), float64 [..., d] (Ho et al. 2020, eq. 7)."""
        beta, here, below = (
            _at(values, u)
            for values, u in ((self._beta, t), (self._alpha_bar, t), (self._alpha_bar, t - 1))
        )
        of_clean, of_noisy = below.sqrt() * beta, (1 - beta).sqrt() * (1 - below)
        return (of_clean * clean + of_noisy * xt.double()) / (1 - here)


def _at(values: LevelValues, t: Tensor) -> Tensor:
    """Values of levels t [...], as [..., 1]: the same for all tokens."""
    return values.to(t.device)[t].unsqueeze(-1)


def _log_bin_probability(tokens: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Log of the Gaussian probability of a pixel value, of 256 bins; the outer two are open.

    A bin on the upper side of the mean is mirrored to the lower side, since the logarithm of the
    distribution function resolves the lower tail only.
    """
    centre = as_numbers(tokens)
    low = torch.where(tokens == 0, -_FAR, centre - 1 / 255)
    high = torch.where(tokens == 255, _FAR, centre + 1 / 255)
    low, high = (low - mean) / scale, (high - mean) / scale
    above = low > 0
    low, high = torch.where(above, -high, low), torch.where(above, -low, high)
    log_low, log_high = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
    # log(exp(log_high) - exp(log_low)) without the exponentials, which can underflow
    return log_high + torch.log(-torch.expm1(log_low - log_high))
