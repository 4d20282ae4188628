"""Exponential moving averages of weights, which are sampled beside the weights themselves.

With a warm-up the decay grows from 0.1 to its value as min(decay, (1 + k) / (10 + k)) over the
steps k, so that the average of an early checkpoint is one of its last tenth of steps. Without, as
in MD4, the initial weights keep a share of decay^k: at 0.9999, two thirds after 4096 steps.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

_Array = TypeVar("_Array", Tensor, np.ndarray)


class Averages:
    """Averages of a network's weights, one per decay.

    Attributes:
        tensors: every average, named `average<decay>/<name of the weight>`.
    """

    def __init__(self, decays: Sequence[float], network: nn.Module, warmup: bool) -> None:
        """Start from the weights that the network has."""
        self._decays, self._warmup = decays, warmup
        self.tensors: dict[str, Tensor] = {
            _prefix(decay) + name: parameter.detach().clone()
            for decay in decays
            for name, parameter in network.named_parameters()
        }

    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps, at least 1."""
        weights = [parameter.detach() for parameter in network.parameters()]
        # (1 + k) / (10 + k) with k = step - 1, as above: the decay of the first step is 0.1.
        longest = step / (9 + step) if self._warmup else 1.0
        for decay in self._decays:
            averages = [self.tensors[_prefix(decay) + n] for n, _ in network.named_parameters()]
            torch._foreach_lerp_(averages, weights, 1 - min(decay, longest))

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from saved averages."""
        for name, average in self.tensors.items():
            average.copy_(tensors[name])

    def to(self, device: torch.device) -> None:
        """Move to where the network is trained."""
        self.tensors = {name: tensor.to(device) for name, tensor in self.tensors.items()}


def averaged_weights(tensors: Mapping[str, _Array], decay: float | None) -> dict[str, _Array]:
    """Weights of a checkpoint: averages of the given decay, or with None those of the step itself.

    Raises:
        KeyError: the checkpoint has no such averages.
    """
    if decay is None:
        return {name: tensor for name, tensor in tensors.items() if not name.startswith("average")}
    prefix = _prefix(decay)
    found = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    if not found:
        raise KeyError(prefix)
    return found


def _prefix(decay: float) -> str:
    return f"average{decay:g}/"
