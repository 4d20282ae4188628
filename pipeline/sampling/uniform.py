"""Ancestral sampling for uniform noise."""

import numpy as np
import torch
from torch import Tensor

from pipeline.noise.base import Denoiser
from pipeline.noise.uniform import UniformNoise
from pipeline.sampling.categorical import categorical
from pipeline.sampling.parts import Draw

SPACINGS = {"even": 1, "cubic": 3}
"""Power to which the share of steps that remain is raised to give that of noise levels."""


def sample_uniform(
    denoiser: Denoiser,
    noise: UniformNoise,
    draw: Draw,
    steps: int,
    spacing: str = "even",
) -> Tensor:
    """Draw strings by reverse steps.

    Args:
        denoiser: network or oracle, which predicts what the noise wants, posteriors or cavities.
        noise: forward process, with the mixture that a step takes over x_0.
        draw: random numbers; level T is for the prior, each lower one for the step that ends there.
        steps: number of reverse steps, at most T; any that would stay at its level is left out.
        spacing: of the steps over noise levels, one of `SPACINGS`: "cubic" ones are short near the
            end, where errors of tokens that change together are not mended any more.

    Returns:
        Tokens, int64 [R, n, d].
    """
    grid = step_levels(noise.levels, steps, spacing)
    tokens = (draw(grid[0]) * noise.symbols).long()
    for level, below in zip(grid[:-1], grid[1:], strict=True):
        t = torch.full(tokens.shape[:2], level, device=tokens.device)
        clean = torch.softmax(denoiser(tokens, t).double(), dim=-1)
        step = noise.reverse(clean, tokens, t, torch.full_like(t, below))
        tokens = categorical(step, draw(below))
    return tokens


def step_levels(noise_levels: int, steps: int, spacing: str) -> list[int]:
    """Noise levels before, between and after steps, falling from T to 0."""
    shares = np.linspace(1, 0, steps + 1) ** SPACINGS[spacing]
    return np.unique((noise_levels * shares).round().astype(int))[::-1].tolist()
