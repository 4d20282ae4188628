"""From a checkpoint back to a network."""

from types import ModuleType

import torch
from torch import nn

from pipeline.artifacts import Artifact
from pipeline.networks.averages import averaged_weights


def restore_network(
    model: ModuleType, checkpoint: Artifact, device: torch.device, average: float | None = None
) -> nn.Module:
    """Network of a checkpoint, built by the domain's `model` part, ready for inference.

    Args:
        model: the domain's `model` part.
        checkpoint: a checkpoint.
        device: where to put the network.
        average: decay of the average of weights to load; none for the weights of the step itself.
    """
    network = model.build_network(checkpoint.stamp["spec"]["settings"])
    weights = averaged_weights(checkpoint.tensors, average)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    return network.to(device).eval()
