"""Named training losses: a mean over tokens for each string, in nats per token."""

from collections.abc import Callable

from torch import Tensor

from pipeline.noise.base import NoiseProcess

Loss = Callable[[NoiseProcess, Tensor, Tensor, Tensor, Tensor], Tensor]

_HYBRID_WEIGHT = 0.001  # of the cross-entropy, Austin et al. 2021


def cross_entropy(
    noise: NoiseProcess, logits: Tensor, x0: Tensor, xt: Tensor, _t: Tensor
) -> Tensor:
    """Cross-entropy of the clean tokens, [...]."""
    return noise.cross_entropy(logits, x0, xt).mean(dim=-1)


def variational_bound(
    noise: NoiseProcess, logits: Tensor, x0: Tensor, xt: Tensor, t: Tensor
) -> Tensor:
    """T times the bound's term at level t, [...]: its mean over t is the bound per token."""
    return noise.levels * noise.variational_bound(logits, x0, xt, t).mean(dim=-1)


def hybrid(noise: NoiseProcess, logits: Tensor, x0: Tensor, xt: Tensor, t: Tensor) -> Tensor:
    """Variational bound plus 0.001 times the cross-entropy, [...]."""
    bound = variational_bound(noise, logits, x0, xt, t)
    return bound + _HYBRID_WEIGHT * cross_entropy(noise, logits, x0, xt, t)


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "variational_bound": variational_bound,
    "hybrid": hybrid,
}
