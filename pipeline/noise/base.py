"""What training, sampling and exact inference need to know of a noise process, and nothing else."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""`denoiser(x_t, t)`: corrupted tokens [..., d] and levels [...] to outputs [..., d, k].

If noise is discrete, outputs are v logits for x_0, of its posterior or of its cavity marginal (see
`DiscreteNoise`); if it is Gaussian, they are two numbers (see `pipeline.noise.gaussian`).
"""


class NoiseProcess(Protocol):
    """Corrupts tokens, each one of `symbols`, independently of each other.

    Levels t are integers 1..T, or, in continuous time, float64 numbers in [0, T) with T = 1.
    """

    levels: int
    symbols: int

    def times(self, uniforms: np.ndarray) -> np.ndarray:
        """Levels t, uniformly distributed, from numbers that are uniform on [0, 1)."""
        ...

    def corrupt(self, x0: Tensor, t: Tensor, uniforms: Tensor) -> Tensor:
        """Draw x_t given x_0, of the same shape: int64 symbols, or float32 numbers.

        Args:
            x0: clean tokens, int64 [..., d].
            t: levels [...].
            uniforms: numbers in [0, 1), float64 [..., d, 2].
        """
        ...

    def variational_bound(self, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Terms of the negative evidence bound, nats [..., d], of a denoiser's outputs.

        KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) for t > 1, -log p(x_0 | x_1) for t = 1. The
        bound of a string is the sum over t and tokens (plus a constant prior term). Where level 0
        has noise of its own (alpha_bar_0 < 1), t = 1 is no exception: the bound is that of x_0
        after this noise.
        """
        ...


class DiscreteNoise(NoiseProcess, Protocol):
    """Turns tokens into others, or into further symbols such as a mask.

    Attributes:
        input_symbols: number of symbols of x_t.
        predicts_cavities: whether denoisers put out the logits of p(x_0,i | x_t without token i),
            cavity marginals, rather than of p(x_0,i | x_t), posteriors.
    """

    input_symbols: int
    predicts_cavities: bool

    def likelihood(self, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_0), float64, of tokens and levels that are broadcast against each other."""
        ...

    def cross_entropy(self, logits: Tensor, x0: Tensor, xt: Tensor) -> Tensor:
        """-log p(x_0 | x_t) of every token, [..., d]; zero where x_t leaves no doubt.

        Only for noise whose denoisers put out posteriors: these are what minimises it.
        """
        ...


class AdditiveNoise(NoiseProcess, Protocol):
    """Adds noise to tokens that are numbers; denoisers predict it."""

    def squared_error(self, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Squared error of the predicted noise, in units of its variance, [..., d]."""
        ...


def whole_levels(uniforms: np.ndarray, levels: int) -> np.ndarray:
    """Integer levels 1..T, int64, from numbers that are uniform on [0, 1)."""
    return 1 + (uniforms * levels).astype(np.int64)


def token_cross_entropy(logits: Tensor, x0: Tensor) -> Tensor:
    """-log softmax(logits)[x0], [..., d]."""
    log_probabilities = torch.log_softmax(logits, dim=-1)
    return -log_probabilities.gather(-1, x0.unsqueeze(-1)).squeeze(-1)
