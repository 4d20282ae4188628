"""Named training losses: a mean over tokens for each string.

They are in nats per token, but for the two with a squared error, which has no unit. These two are
for additive noise; those with a cross-entropy are for discrete noise whose denoisers predict
posteriors.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pipeline.base.choices import Choices
from pipeline.noise.base import AdditiveNoise, DiscreteNoise, NoiseProcess

Loss = Callable[[Any, Tensor, Tensor, Tensor, Tensor], Tensor]
"""From noise of a kind that it suits, a denoiser's outputs, x_0, x_t and t to losses [...]."""

_HYBRID_WEIGHT = 0.001  # of the cross-entropy, Austin et al. 2021
_BOUND_WEIGHT = 0.001  # of the bound in bits per pixel, summed over levels, Nichol & Dhariwal 2021


def cross_entropy(
    noise: DiscreteNoise, logits: Tensor, x0: Tensor, xt: Tensor, _t: Tensor
) -> Tensor:
    """Cross-entropy of the clean tokens, [...]."""
    return noise.cross_entropy(logits, x0, xt).mean(dim=-1)


def step_divergence(
    noise: NoiseProcess, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor
) -> Tensor:
    """The bound's term at level t, [...]: KL of one reverse step, the released code's loss.

    Its mean over t is a T-th of the bound per token.
    """
    return noise.variational_bound(outputs, x0, xt, t).mean(dim=-1)


def variational_bound(
    noise: NoiseProcess, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor
) -> Tensor:
    """T times the bound's term at level t, [...]: its mean over t is the bound per token."""
    return noise.levels * step_divergence(noise, outputs, x0, xt, t)


def hybrid(noise: DiscreteNoise, logits: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
    """Variational bound plus 0.001 times the cross-entropy, [...]: L_lambda of Austin et al. 2021.

    This is the formula of their paper, with the bound summed over all T levels. Their code adds as
    much of the cross-entropy to the bound's term at one level, a T-th of the bound on average, so
    that there the cross-entropy weighs T times what it weighs here.
    """
    bound = variational_bound(noise, logits, x0, xt, t)
    return bound + _HYBRID_WEIGHT * cross_entropy(noise, logits, x0, xt, t)


def squared_error(
    noise: AdditiveNoise, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor
) -> Tensor:
    """Squared error of the predicted noise, [...]; the predicted variance does not enter."""
    return noise.squared_error(outputs, x0, xt, t).mean(dim=-1)


def improved_hybrid(
    noise: AdditiveNoise, outputs: Tensor, x0: Tensor, xt: Tensor, t: Tensor
) -> Tensor:
    """Squared error plus 0.001 times the variational bound in bits, [...].

    The bound teaches the variance only: its gradient stops at the predicted noise (Nichol &
    Dhariwal 2021, L_hybrid, as in their code).
    """
    predicted, variance = outputs.split(1, dim=-1)
    stopped = torch.cat([predicted.detach(), variance], dim=-1)
    bound = variational_bound(noise, stopped, x0, xt, t) / math.log(2)
    return squared_error(noise, outputs, x0, xt, t) + _BOUND_WEIGHT * bound


LOSSES: Choices[Loss] = Choices(
    "training.loss",
    {
        "step_divergence": step_divergence,
        "cross_entropy": cross_entropy,
        "variational_bound": variational_bound,
        "hybrid": hybrid,
        "squared_error": squared_error,
        "improved_hybrid": improved_hybrid,
    },
)
