"""Absorbing (masked) diffusion of tokens: a corrupted token becomes the mask, number v.

A token is masked with probability 1 - alpha_bar_t. Tokens that are not masked are known for sure,
so only masked tokens carry a loss, and the network predicts the v symbols and never the mask.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from pipeline.noise.base import token_cross_entropy, whole_levels
from pipeline.noise.level_values import LevelValues


class Absorbing(ABC):
    """What absorbing noise is, whether its levels are whole or continuous."""

    levels: int
    predicts_cavities = False
    """A masked token says nothing of itself: its posterior is its cavity marginal."""

    def __init__(self, symbols: int) -> None:
        """The mask is an input symbol of its own."""
        self.symbols, self.input_symbols = symbols, symbols + 1

    @property
    def mask(self) -> int:
        """The symbol that hides a token."""
        return self.symbols

    @abstractmethod
    def times(self, uniforms: np.ndarray) -> np.ndarray:
        """Levels t, uniformly distributed, from numbers that are uniform on [0, 1)."""

    @abstractmethod
    def kept(self, t: Tensor) -> Tensor:
        """alpha_bar_t, the chance that a token is not masked, float64."""

    @abstractmethod
    def reveal_times(self, uniforms: Tensor) -> Tensor:
        """Levels above 0 at which tokens that are masked at T are revealed, from uniforms [...]."""

    @abstractmethod
    def reveal_rate(self, t: Tensor) -> Tensor:
        """Chance (whole levels) or rate (continuous) of being revealed at t, if still masked."""

    def corrupt(self, x0: Tensor, t: Tensor, uniforms: Tensor) -> Tensor:
        """Keep each token with probability alpha_bar_t, else mask it."""
        keep = uniforms[..., 0] < self.kept(t).unsqueeze(-1)
        return torch.where(keep, x0, torch.full_like(x0, self.mask))

    def likelihood(self, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_0), float64, of tokens and levels that are broadcast against each other."""
        alpha_bar = self.kept(t)
        other = torch.where(xt == self.mask, 1 - alpha_bar, 0)
        return torch.addcmul(other, (x0 == xt).double(), alpha_bar)

    def cross_entropy(self, logits: Tensor, x0: Tensor, xt: Tensor) -> Tensor:
        """-log p(x_0 | x_t) of every token, [..., d]; zero where the token is not masked."""
        return token_cross_entropy(logits, x0) * (xt == self.mask)

    def variational_bound(self, logits: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Cross-entropy times the rate at which a masked token is revealed at t, nats [..., d]."""
        rate = self.reveal_rate(t).to(logits.dtype).unsqueeze(-1)
        return self.cross_entropy(logits, x0, xt) * rate


class AbsorbingNoise(Absorbing):
    """Absorbing noise at whole levels, with the given alpha_bar, float64 [T + 1]."""

    def __init__(self, symbols: int, alpha_bar: np.ndarray) -> None:
        """Levels are 1..T; level 0 has no masks, whatever the schedule, as samples have none."""
        super().__init__(symbols)
        self.levels = len(alpha_bar) - 1
        self._alpha_bar = LevelValues(np.concatenate([[1.0], alpha_bar[1:]]))

    def times(self, uniforms: np.ndarray) -> np.ndarray:
        """Levels 1..T."""
        return whole_levels(uniforms, self.levels)

    def kept(self, t: Tensor) -> Tensor:
        """alpha_bar_t, looked up."""
        return self._alpha_bar.to(t.device)[t]

    def reveal_times(self, uniforms: Tensor) -> Tensor:
        """Lowest level at which a token is masked; 1 - alpha_bar is its distribution function."""
        masked = 1 - self._alpha_bar.to(uniforms.device)
        return torch.searchsorted(masked, uniforms * masked[-1], right=True)

    def reveal_rate(self, t: Tensor) -> Tensor:
        """(alpha_bar_{t-1} - alpha_bar_t) / (1 - alpha_bar_t)."""
        return (self.kept(t - 1) - self.kept(t)) / (1 - self.kept(t))


class ContinuousAbsorbingNoise(Absorbing):
    """Absorbing noise in continuous time, linear in alpha_bar, as in MD4 (Shi et al. 2024).

    alpha_bar_t = (1 - 2 eps) (1 - t) + eps for t in [0, 1], eps = 1e-4: the rate alpha'/(1 - alpha)
    that weights the loss stays finite. The bound leaves out the constant eps d ln v.
    """

    levels = 1
    _EPSILON = 1e-4

    def times(self, uniforms: np.ndarray) -> np.ndarray:
        """Times t in [0, 1)."""
        return uniforms

    def kept(self, t: Tensor) -> Tensor:
        """alpha_bar_t in closed form."""
        return (1 - 2 * self._EPSILON) * (1 - t.double()) + self._EPSILON

    def time_of(self, masked: Tensor) -> Tensor:
        """Time t in [0, 1) at which so large a part of all tokens is masked on average."""
        time = (masked.double() - self._EPSILON) / (1 - 2 * self._EPSILON)
        return time.clamp(0, 1 - self._EPSILON)

    def reveal_times(self, uniforms: Tensor) -> Tensor:
        """Times in (0, 1]; a token that would outlast time 0 is revealed at the very end."""
        hidden = (1 - uniforms) * (1 - self._EPSILON)
        times = (hidden - self._EPSILON) / (1 - 2 * self._EPSILON)
        return times.clamp(min=torch.finfo(torch.float64).tiny)

    def reveal_rate(self, t: Tensor) -> Tensor:
        """-alpha_bar'_t / (1 - alpha_bar_t)."""
        return (1 - 2 * self._EPSILON) / (1 - self.kept(t))
