"""Optimisers with their learning rate schedules, as functions of the number of steps done."""

import math
from collections.abc import Callable

import torch
from torch import nn

Schedule = Callable[[int], float]
"""From steps done to the factor of the learning rate."""


def sgd(
    network: nn.Module, settings: dict, learning_rate: float
) -> tuple[torch.optim.Optimizer, Schedule]:
    """SGD with momentum, its rate constant and then falling linearly to 0 at the end of the run."""
    optimizer = torch.optim.SGD(
        network.parameters(), lr=learning_rate, momentum=settings["momentum"], fused=True
    )
    return optimizer, linear_decay(settings["steps"], settings["decay_from"])


def adamw(
    network: nn.Module, settings: dict, schedule: Schedule
) -> tuple[torch.optim.Optimizer, Schedule]:
    """AdamW with the given schedule."""
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=settings["learning_rate"],
        betas=(settings["beta1"], settings["beta2"]),
        weight_decay=settings["weight_decay"],
        fused=True,
    )
    return optimizer, schedule


def linear_decay(steps: int, decay_from: float) -> Schedule:
    """1, then falling linearly to 0 from the fraction `decay_from` of the steps on."""
    start = decay_from * steps
    return lambda step: min(1.0, (steps - step) / (steps - start)) if start < steps else 1.0


def warmup_constant(warmup_steps: int) -> Schedule:
    """Linear from 0 to 1 over `warmup_steps`, which may be none, then 1."""
    return lambda step: min(1.0, (step + 1) / max(1, warmup_steps))


def warmup_cosine(steps: int, warmup_steps: int) -> Schedule:
    """Linear from 0 to 1 over `warmup_steps`, then half a period of a cosine down to 0."""

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        done = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
        return 0.5 * (1 + math.cos(math.pi * done))

    return factor
