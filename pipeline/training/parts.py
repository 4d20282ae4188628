"""What training asks of a domain."""

from typing import Protocol, TypeVar

from torch.optim import Optimizer

from pipeline.base.types import Settings
from pipeline.networks.network import Network
from pipeline.sampling.parts import Model
from pipeline.training.optimizers import Schedule

_Network = TypeVar("_Network", bound=Network)


class TrainableModel(Model[_Network], Protocol[_Network]):
    """A domain's `model` part, a module: all that sampling asks of it, and an optimiser."""

    def build_optimizer(
        self, network: _Network, training: Settings, /
    ) -> tuple[Optimizer, Schedule]:
        """Optimiser of the network's weights at its full rate, and the factor of this rate by step.

        Args:
            network: from `build_network`.
            training: `training` section of the `train` settings.
        """
        ...
