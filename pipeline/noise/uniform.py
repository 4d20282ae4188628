"""Uniform discrete diffusion: a corrupted token is replaced by a uniformly drawn symbol.

q(x_t | x_0) = abar_t [x_t = x_0] + (1 - abar_t) / v. All formulas are closed forms in
alpha_bar; no transition table is ever built (Austin et al. 2021, section 4).

A reverse step mixes Bayes' steps over what the denoiser says of x_0, and there are two ways:

    exact: sum over x_0 of p(x_0) q(x_s | x_t, x_0),
    d3pm:  q(x_t | x_s) times the sum over x_0 of p(x_0) q(x_s | x_0), normalised.

The first is the true reverse step of a token if p is its posterior, p(x_0 | all of x_t); the second
(public code of D3PM, and the released code of the paper) if p is its cavity marginal, p(x_0 | x_t
without this token), as the factor q(x_t | x_s) brings in the token's own evidence. With posteriors
the second would count that evidence twice; with cavities the first would not count it at all. So a
network that is trained by the reverse step learns posteriors or cavities, depending on the mixture
that it is trained with.
"""

import numpy as np
import torch
from torch import Tensor

from pipeline.noise.base import token_cross_entropy, whole_levels
from pipeline.noise.level_values import LevelValues


class UniformNoise:
    """Uniform noise over `symbols` symbols with the given alpha_bar, float64 [T + 1].

    Attributes:
        predicts_cavities: whether denoisers are to put out cavity marginals, not posteriors.
    """

    def __init__(self, symbols: int, alpha_bar: np.ndarray, mixture: str = "exact") -> None:
        """The symbols of x_t are those of x_0; `mixture` is "exact" or "d3pm"."""
        self.levels = len(alpha_bar) - 1
        self.symbols = self.input_symbols = symbols
        self.predicts_cavities = mixture == "d3pm"
        self._alpha_bar = LevelValues(alpha_bar)

    def times(self, uniforms: np.ndarray) -> np.ndarray:
        """Levels 1..T."""
        return whole_levels(uniforms, self.levels)

    def corrupt(self, x0: Tensor, t: Tensor, uniforms: Tensor) -> Tensor:
        """Keep each token with probability alpha_bar_t, else draw any symbol."""
        keep = uniforms[..., 0] < self._alpha_bar.to(t.device)[t].unsqueeze(-1)
        return torch.where(keep, x0, (uniforms[..., 1] * self.symbols).long())

    def likelihood(self, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_0), float64, of tokens and levels that are broadcast against each other."""
        alpha_bar = self._alpha_bar.to(t.device)[t]
        other = (1 - alpha_bar) / self.symbols
        return torch.addcmul(other, (x0 == xt).double(), alpha_bar)

    def cross_entropy(self, logits: Tensor, x0: Tensor, xt: Tensor) -> Tensor:  # noqa: ARG002
        """-log p(x_0 | x_t) of every token, [..., d]."""
        return token_cross_entropy(logits, x0)

    def variational_bound(self, logits: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        """KL to the true reverse step, nats [..., d]; at t = 1, if alpha_bar_0 = 1, -log p(x_0)."""
        clean = torch.nn.functional.one_hot(x0, self.symbols).double()
        target = self.reverse(clean, xt, t, t - 1)
        model = self.reverse(torch.softmax(logits.double(), dim=-1), xt, t, t - 1)
        terms = torch.special.xlogy(target, target) - torch.special.xlogy(target, model)
        return terms.sum(dim=-1).to(logits.dtype)

    def reverse(self, x0: Tensor, xt: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Distribution of x_s given x_t and a distribution over x_0, for s < t.

        Both mixtures are the same where x_0 is certain.

        Args:
            x0: probabilities of the clean token, posteriors or cavities, float64 [..., d, v].
            xt: corrupted tokens, int64 [..., d].
            t: levels of x_t, int64 [...].
            s: levels below t, int64 [...].

        Returns:
            The mixture of the module's docstring, float64 [..., d, v].
        """
        here = torch.nn.functional.one_hot(xt, self.symbols).double()
        alpha_t, alpha_s = (self._alpha_bar.to(t.device)[u][..., None, None] for u in (t, s))
        step = torch.where(alpha_s > 0, alpha_t / alpha_s, 0)  # both underflow to 0: pure noise
        forward = step * here + (1 - step) / self.symbols
        weights = x0
        if not self.predicts_cavities:
            # q(x_s | x_t, x_0) = q(x_t | x_s) q(x_s | x_0) / q(x_t | x_0): this is the divisor.
            every = torch.arange(self.symbols, device=xt.device)
            weights = x0 / self.likelihood(every, xt.unsqueeze(-1), t[..., None, None])
        total = weights.sum(dim=-1, keepdim=True)
        joint = forward * (alpha_s * weights + (1 - alpha_s) / self.symbols * total)
        return joint / joint.sum(dim=-1, keepdim=True)
