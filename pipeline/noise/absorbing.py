"""Absorbing (masked) discrete diffusion: a corrupted token becomes the mask, number v.

The mask hides with probability 1 - alpha_bar_t and tokens that are not masked are known for sure,
so only masked tokens carry a loss and the network predicts none but the v symbols.
"""

import numpy as np
import torch
from torch import Tensor

from pipeline.noise.base import token_cross_entropy


class AbsorbingNoise:
    """Absorbing noise over `symbols` symbols with the given alpha_bar, float64 [T + 1]."""

    def __init__(self, symbols: int, alpha_bar: np.ndarray) -> None:
        """The mask is an input symbol of its own."""
        self.levels = len(alpha_bar) - 1
        self.symbols, self.input_symbols = symbols, symbols + 1
        self.alpha_bar = torch.from_numpy(alpha_bar)

    @property
    def mask(self) -> int:
        """The symbol that hides a token."""
        return self.symbols

    def corrupt(self, x0: Tensor, t: Tensor, uniforms: Tensor) -> Tensor:
        """Keep each token with probability alpha_bar_t, else mask it."""
        keep = uniforms[..., 0] < self.alpha_bar.to(t.device)[t].unsqueeze(-1)
        return torch.where(keep, x0, torch.full_like(x0, self.mask))

    def likelihood(self, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_0), float64, of tokens and levels that are broadcast against each other."""
        alpha_bar = self.alpha_bar.to(t.device)[t]
        other = torch.where(xt == self.mask, 1 - alpha_bar, 0)
        return torch.addcmul(other, (x0 == xt).double(), alpha_bar)

    def cross_entropy(self, logits: Tensor, x0: Tensor, xt: Tensor) -> Tensor:
        """-log p(x_0 | x_t) of every token, [..., d]; zero where the token is not masked."""
        return token_cross_entropy(logits, x0) * (xt == self.mask)

    def variational_bound(self, logits: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """Cross-entropy times the chance that a masked token is revealed at t, nats [..., d]."""
        alpha_bar = self.alpha_bar.to(t.device)
        revealed = (alpha_bar[t - 1] - alpha_bar[t]) / (1 - alpha_bar[t])
        return self.cross_entropy(logits, x0, xt) * revealed.to(logits.dtype).unsqueeze(-1)
