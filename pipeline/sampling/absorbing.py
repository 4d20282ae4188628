"""Ancestral sampling for absorbing noise that skips the levels at which nothing happens.

When a token is revealed does not depend on the others, so its level is drawn first; the network is
then called only at levels that reveal something: at most d times, however many levels there are.
In continuous time this is the first-hitting sampler (Zheng et al. 2024) and exact; with whole
levels, or on a grid of times, it has exactly the distribution of that many ancestral steps.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.noise.absorbing import Absorbing
from pipeline.noise.base import Denoiser
from pipeline.sampling.categorical import categorical
from pipeline.sampling.parts import Draw

PartialDenoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`denoiser(x_t, t, positions)`: x_0 logits [R, n, k, v] at int64 positions [R, n, k] only."""


def at_positions(denoiser: Denoiser) -> PartialDenoiser:
    """A denoiser of all tokens as one of some, for where that costs little."""

    def partial(tokens: Tensor, t: Tensor, positions: Tensor) -> Tensor:
        logits = denoiser(tokens, t)
        return logits.take_along_dim(positions.unsqueeze(-1), dim=-2)

    return partial


def cosine_grid(steps: int) -> Tensor:
    """Times of `steps` ancestral steps, ascending from 0 to 1, close together near 1 (MD4).

    t = cos(pi / 2 (1 - i / steps)), float64 [steps + 1].
    """
    grid = torch.cos(math.pi / 2 * (1 - torch.arange(steps + 1, dtype=torch.float64) / steps))
    grid[0] = 0  # rounded, the cosine of pi / 2 is not
    return grid


def sample_absorbing(
    denoiser: PartialDenoiser,
    noise: Absorbing,
    draw: Draw,
    grid: Tensor | None = None,
) -> Tensor:
    """Draw strings.

    Args:
        denoiser: network or oracle.
        noise: forward process.
        draw: `draw(0)` and `draw(1)` give uniforms [R, n, d] for levels and for symbols.
        grid: ascending times of ancestral steps, from 0 to T; none for an exact sampler.

    Returns:
        Tokens, int64 [R, n, d].
    """
    pending, symbol_uniforms = noise.reveal_times(draw(0)), draw(1)
    if grid is not None:
        pending = _end_of_step(pending, grid)
    tokens = torch.full(pending.shape, noise.mask, device=pending.device)
    while (t := pending.amax(dim=-1)).any():
        now = (pending == t.unsqueeze(-1)) & (pending > 0)
        most = int(now.sum(dim=-1).amax())
        # Tokens revealed now come first; in strings with fewer of them others fill up, unchanged.
        positions = now.byte().argsort(dim=-1, descending=True, stable=True)[..., :most]
        probabilities = torch.softmax(denoiser(tokens, t, positions).double(), dim=-1)
        drawn = categorical(probabilities, symbol_uniforms.gather(-1, positions))
        shown = torch.where(now.gather(-1, positions), drawn, tokens.gather(-1, positions))
        tokens = tokens.scatter(-1, positions, shown)
        pending = torch.where(now, 0, pending)
    return tokens


def _end_of_step(times: Tensor, grid: Tensor) -> Tensor:
    """The time that a network sees in the step in which a token is revealed: the later end."""
    grid = grid.to(times.device)
    return grid[torch.searchsorted(grid, times).clamp(min=1)]
