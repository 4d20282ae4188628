"""Exact draws from categorical distributions."""

from torch import Tensor


def categorical(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """Draw one symbol per distribution [..., v] by inverting its distribution function.

    Float64 throughout: in float32 rare symbols are drawn too rarely (Zheng et al. 2024).
    """
    cumulative = probabilities.double().cumsum(dim=-1)
    threshold = uniforms.unsqueeze(-1) * cumulative[..., -1:]
    # The clamp keeps numbers in range where all probabilities are 0.
    return (cumulative <= threshold).sum(dim=-1).clamp(max=probabilities.shape[-1] - 1)
