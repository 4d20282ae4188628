"""Optimisers with their learning rate schedules, as functions of the number of steps done."""

import math
from collections.abc import Callable

import torch
from torch import nn

from pipeline.training.settings import AdamWOptimisation

Schedule = Callable[[int], float]
"""From steps done to the factor of the learning rate."""


def sgd(network: nn.Module, learning_rate: float, momentum: float) -> torch.optim.Optimizer:
    """SGD with momentum."""
    return torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=momentum, fused=True)


def adam(
    network: nn.Module, learning_rate: float, beta1: float, beta2: float, weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """AdamW, which without weight decay is Adam."""
    return torch.optim.AdamW(
        network.parameters(),
        lr=learning_rate,
        betas=(beta1, beta2),
        weight_decay=weight_decay,
        fused=True,
    )


def adamw(network: nn.Module, training: AdamWOptimisation) -> torch.optim.Optimizer:
    """AdamW of the section `training` of text and images."""
    betas = training.beta1, training.beta2
    return adam(network, training.learning_rate, *betas, training.weight_decay)


def linear_decay(steps: int | None, decay_from: float) -> Schedule:
    """1, then falling linearly to 0 from the fraction `decay_from` of the steps on.

    Always 1 if `steps` is None, so that there is no step at which the rate is to be 0.
    """
    if steps is None:
        return lambda _step: 1.0
    start = decay_from * steps
    return lambda step: min(1.0, (steps - step) / (steps - start)) if start < steps else 1.0


def warmup_constant(warmup_steps: int) -> Schedule:
    """Linear from 0 to 1 over `warmup_steps`, which may be none, then 1."""
    # + 1, as a rate of 0 would waste the first step
    return lambda step: min(1.0, (step + 1) / max(1, warmup_steps))


def warmup_cosine(steps: int, warmup_steps: int) -> Schedule:
    """Linear from 0 to 1 over `warmup_steps`, then half a period of a cosine down to 0."""

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        done = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
        return 0.5 * (1 + math.cos(math.pi * done))

    return factor
