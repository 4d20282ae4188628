"""What training asks of a domain."""

from typing import Protocol, TypeVar

from torch.optim import Optimizer

from pipeline.networks.network import Network
from pipeline.sampling.parts import Model
from pipeline.training.optimizers import Schedule
from pipeline.training.settings import Optimised

_Network = TypeVar("_Network", bound=Network)
TrainSettings = TypeVar("TrainSettings", bound=Optimised)
"""A domain's settings of `train`."""


class TrainableModel(Model[_Network, TrainSettings], Protocol[_Network, TrainSettings]):
    """A domain's `model` part, a module: all that sampling asks of it, and an optimiser."""

    def build_optimizer(
        self, network: _Network, settings: TrainSettings, /
    ) -> tuple[Optimizer, Schedule]:
        """Optimiser of the network's weights at its full rate, and the factor of this rate by step.

        Args:
            network: from `build_network`.
            settings: of the `train` stage.
        """
        ...
