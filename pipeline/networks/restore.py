"""From a checkpoint back to a network."""

from types import ModuleType

import torch
from torch import nn

from pipeline.artifacts import Artifact


def restore_network(model: ModuleType, checkpoint: Artifact, device: torch.device) -> nn.Module:
    """Network of a checkpoint, built by the domain's `model` part, ready for inference."""
    network = model.build_network(checkpoint.stamp["spec"]["settings"])
    network.load_state_dict({k: torch.from_numpy(v) for k, v in checkpoint.tensors.items()})
    return network.to(device).eval()
