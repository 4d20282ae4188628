"""Everything that a run goes on from, as named arrays: weights, averages, the optimiser's state."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from pipeline.networks.averages import Averages

_WEIGHT = "weight/"
_OPTIMIZER = "optimizer/"


def pack(
    network: nn.Module, averages: Averages, optimizer: torch.optim.Optimizer
) -> dict[str, np.ndarray]:
    """Arrays of a resumable state."""
    tensors = {_WEIGHT + name: tensor for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for key, tensor in optimizer.state[parameter].items():
            tensors[f"{_OPTIMIZER}{key}/{name}"] = tensor
    return to_arrays({**tensors, **averages.tensors})


def unpack_weights(network: nn.Module, averages: Averages, arrays: Mapping[str, Any]) -> None:
    """Load weights and averages."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    network.load_state_dict(_strip(tensors, _WEIGHT))
    averages.load(tensors)


def unpack_optimizer(
    network: nn.Module, optimizer: torch.optim.Optimizer, arrays: Mapping[str, Any]
) -> None:
    """Load what the optimiser keeps of every weight, to where the weight is."""
    for key_and_name, array in _strip(arrays, _OPTIMIZER).items():
        key, _, name = key_and_name.partition("/")
        parameter = network.get_parameter(name)
        optimizer.state[parameter][key] = torch.from_numpy(array).to(parameter.device)


def to_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Copies on the CPU."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _strip(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}
