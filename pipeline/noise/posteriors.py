"""What a denoiser of discrete noise says of clean tokens, as probabilities."""

import torch
from torch import Tensor

from pipeline.noise.base import DiscreteNoise


def token_posteriors(noise: DiscreteNoise, logits: Tensor, xt: Tensor, t: Tensor) -> Tensor:
    """Distributions of clean tokens given all of x_t; symbols that x_t excludes have probability 0.

    Args:
        noise: that the denoiser was trained for.
        logits: its outputs, [..., d, v].
        xt: corrupted tokens, int64 [..., d].
        t: levels [...].

    Returns:
        Probabilities, float64 [..., d, v].
    """
    symbols = torch.arange(noise.symbols, device=xt.device)
    likelihood = noise.likelihood(symbols, xt.unsqueeze(-1), t[..., None, None])
    # Cavity marginals lack what a token's own noisy value says. Posteriors have it, but a network
    # may leave something to symbols that it excludes: with masks, no loss is on tokens that show.
    own = likelihood if noise.predicts_cavities else likelihood > 0
    return torch.softmax(logits.double() + own.log(), dim=-1)
