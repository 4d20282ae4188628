"""The gradients of a step as one CUDA graph, for networks whose kernels are shorter than a launch.

A graph replays the kernels of forward and backward pass on the memory they were captured with:
inputs are copied there before, gradients are found there after. Weights keep their places, so that
an optimiser can change them in between. Nothing is computed otherwise than without a graph.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

Losses = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From x_0, t and uniforms, see `Batch`, to the mean loss of each replica, [R]."""

_WARM_UPS = 3
"""Passes before the capture, in which libraries choose their kernels, and compilers compile."""


class CapturedGradients:
    """Gradients of the losses of batches that have one shape, on the GPU where these are.

    Args:
        losses: what is differentiated.
        parameters: with respect to these; their gradients must be left alone between calls.
        example: a batch; it is computed with, but changes no weight.

    Raises:
        RuntimeError: the losses compute something that cannot be captured.
    """

    def __init__(
        self, losses: Losses, parameters: Iterable[nn.Parameter], example: Sequence[Tensor]
    ) -> None:
        self._inputs = [tensor.clone() for tensor in example]
        weights, outside = list(parameters), torch.cuda.current_stream()
        apart = torch.cuda.Stream()
        apart.wait_stream(outside)
        with torch.cuda.stream(apart):
            for _ in range(_WARM_UPS):
                _forget(weights)
                losses(*self._inputs).sum().backward()
        outside.wait_stream(apart)
        _forget(weights)  # so that the graph writes gradients, and does not add to them
        self._graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(self._graph):
                found = losses(*self._inputs)
                found.sum().backward()
        finally:
            torch.cuda.set_stream(outside)  # a capture that fails leaves its own stream in use
        self._losses = found.detach()

    def __call__(self, batch: Sequence[Tensor]) -> Tensor:
        """Losses of a batch [R], whose gradients are then those of the parameters."""
        for place, tensor in zip(self._inputs, batch, strict=True):
            place.copy_(tensor)
        self._graph.replay()
        return self._losses.clone()


def _forget(weights: Iterable[nn.Parameter]) -> None:
    for weight in weights:
        weight.grad = None
