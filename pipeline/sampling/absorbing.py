"""Ancestral sampling for absorbing noise that skips the levels at which nothing happens.

When a token is revealed does not depend on the others, so its level is drawn first; the network is
then called only at levels that reveal something, at most d times instead of T. The distribution
is exactly that of T ancestral steps (compare the first-hitting sampler of Zheng et al. 2024).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.base import Denoiser
from pipeline.sampling.categorical import categorical


def sample_absorbing(
    denoiser: Denoiser, noise: AbsorbingNoise, draw: Callable[[int], Tensor]
) -> Tensor:
    """Draw strings.

    Args:
        denoiser: network or oracle.
        noise: forward process.
        draw: `draw(0)` and `draw(1)` give uniforms [R, n, d] for levels and for symbols.

    Returns:
        Tokens, int64 [R, n, d].
    """
    levels = _reveal_levels(noise, draw(0))
    symbol_uniforms = draw(1)
    tokens = torch.full(levels.shape, noise.mask, device=levels.device)
    pending = levels.clone()
    while (t := pending.amax(dim=-1)).any():
        now = (pending == t.unsqueeze(-1)) & (pending > 0)
        drawn = categorical(torch.softmax(denoiser(tokens, t).double(), dim=-1), symbol_uniforms)
        tokens = torch.where(now, drawn, tokens)
        pending = torch.where(now, 0, pending)
    return tokens


def _reveal_levels(noise: AbsorbingNoise, uniforms: Tensor) -> Tensor:
    """Level t at which each token is revealed, going to t - 1; masked below with 1 - abar."""
    masked = (1 - noise.alpha_bar).to(uniforms.device)
    return torch.searchsorted(masked, uniforms * masked[-1], right=True)
