"""Linear maps of an ensemble: one batched product for all replicas.

Weights are kept at unit scale and scaled in the forward pass (mean-field parametrisation). With a
learning rate proportional to the width, every layer then learns features at a rate that does not
depend on the width: this is maximal update parametrisation for SGD (Yang & Hu 2021, table 9).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.base.randomness import stream_key


class EnsembleLinear(nn.Module):
    """y[r] = scale * x[r] @ weight[r], for every replica r."""

    def __init__(
        self, seeds: Sequence[int], name: str, inputs: int, outputs: int, scale: float
    ) -> None:
        """Weights are standard normal; each replica's follow from its seed and the name."""
        super().__init__()
        draws = [_normal(stream_key(seed, "weights", name), inputs, outputs) for seed in seeds]
        self.weight = nn.Parameter(torch.stack(draws))
        self._scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Map [R, ..., inputs] to [R, ..., outputs]."""
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        y = torch.bmm(flat, self.weight) * self._scale  # scaled weights would be a large copy
        return y.reshape(*x.shape[:-1], -1)


def _normal(key: int, *shape: int) -> Tensor:
    if torch.get_default_device().type == "meta":  # shapes are all that is asked for
        return torch.empty(*shape)
    return torch.randn(*shape, generator=torch.Generator().manual_seed(key % 2**63))
