"""From a checkpoint back to a network."""

from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from pipeline.artifacts.samples import cell_name
from pipeline.artifacts.tensors import Artifact, refusal
from pipeline.artifacts.upstream import settings_in
from pipeline.base.cells import Trained
from pipeline.networks.averages import averaged_weights
from pipeline.networks.finite import first_not_finite
from pipeline.networks.network import Network

_Network = TypeVar("_Network", bound=Network)
_Built_co = TypeVar("_Built_co", bound=Network, covariant=True)
TrainSettings = TypeVar("TrainSettings", bound=Trained)
"""A domain's settings of `train`."""


class Builder(Protocol[_Built_co, TrainSettings]):
    """What restoring asks of a domain's `model` part, a module.

    Attributes:
        TRAINED: class of the domain's settings of `train`, which checkpoints carry.
    """

    TRAINED: type[TrainSettings]

    def build_network(self, settings: TrainSettings, /) -> _Built_co:
        """Untrained network of the `train` settings: an ensemble, one replica per triple of seeds.

        Its weights are a pure function of the settings, under the same names for all seeds.
        """
        ...


def without_weights(model: Builder[_Network, TrainSettings], settings: TrainSettings) -> _Network:
    """Network whose weights have shapes and no values, so that none are drawn or take memory.

    At the paper's width of 8192, drawing them takes twelve seconds.
    """
    with torch.device("meta"):
        return model.build_network(settings)


def restore_network(
    model: Builder[_Network, TrainSettings],
    checkpoint: Artifact,
    device: torch.device,
    average: float | None = None,
) -> _Network:
    """Network of a checkpoint, built by the domain's `model` part, ready for inference.

    Args:
        model: the domain's `model` part.
        checkpoint: a checkpoint.
        device: where to put the network.
        average: decay of the average of weights to load; none for the weights of the step itself.

    Raises:
        PipelineError: weights are not finite; or outputs are not, whenever the network is called.
    """
    settings = settings_in(checkpoint.stamp["spec"], checkpoint.path, model.TRAINED)
    place = f"of {cell_name(settings.cell)} at step {checkpoint.stamp['step']}"
    weights = averaged_weights(checkpoint.tensors, average)
    if (name := first_not_finite(weights)) is not None:
        raise refusal(checkpoint.path, f"has weights {name} {place} that are not finite")

    def check(_network: nn.Module, _inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        if not outputs.isfinite().all():
            reason = f"gives a network {place} whose outputs are not finite"
            raise refusal(checkpoint.path, reason)

    network = without_weights(model, settings)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()}, assign=True)
    network.register_forward_hook(check)
    return network.to(device).eval()
