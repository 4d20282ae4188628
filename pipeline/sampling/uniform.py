"""Ancestral sampling for uniform noise."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pipeline.noise.base import Denoiser
from pipeline.noise.uniform import UniformNoise
from pipeline.sampling.categorical import categorical

Draw = Callable[[int], Tensor]
"""`draw(level)`: float64 uniforms [R, n, d], a pure function of sample and level."""


def sample_uniform(
    denoiser: Denoiser, noise: UniformNoise, draw: Draw, levels: int, posterior: str
) -> Tensor:
    """Draw strings by `levels` reverse steps, evenly spaced over the noise levels.

    Args:
        denoiser: network or oracle.
        noise: forward process.
        draw: random numbers; level T is for the prior, each lower one for the step that ends there.
        levels: number of reverse steps, at most T.
        posterior: mixture over x_0, "exact" or "d3pm".

    Returns:
        Tokens, int64 [R, n, d].
    """
    grid = np.linspace(noise.levels, 0, levels + 1).round().astype(int).tolist()
    tokens = (draw(grid[0]) * noise.symbols).long()
    for level, below in zip(grid[:-1], grid[1:], strict=True):
        t = torch.full(tokens.shape[:2], level, device=tokens.device)
        clean = torch.softmax(denoiser(tokens, t).double(), dim=-1)
        step = noise.reverse(clean, tokens, t, torch.full_like(t, below), posterior)
        tokens = categorical(step, draw(below))
    return tokens
