"""What sampling asks of a domain."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from pipeline.base.cells import Trained
from pipeline.networks.network import Network
from pipeline.networks.restore import Builder, TrainSettings
from pipeline.noise.base import NoiseProcess
from pipeline.sampling.settings import Generation

Draw = Callable[[int], Tensor]
"""`draw(purpose)`: float64 uniforms [R, n, d], a pure function of sample and purpose."""

DrawStrings = Callable[[Draw], Tensor]
"""From a source of random numbers to tokens, int64 [R, n, d]."""

_Built_co = TypeVar("_Built_co", bound=Network, covariant=True)
_Sampled_contra = TypeVar("_Sampled_contra", bound=Network, contravariant=True)
_Sampling_contra = TypeVar("_Sampling_contra", bound=Generation, contravariant=True)
_Trained_contra = TypeVar("_Trained_contra", bound=Trained, contravariant=True)


class Model(Builder[_Built_co, TrainSettings], Protocol[_Built_co, TrainSettings]):
    """A domain's `model` part, a module."""

    def replica_keys(self, settings: TrainSettings, /) -> list[int]:
        """One key per replica, on which its weights, batches, noise and samples depend, [R].

        Args:
            settings: of the `train` stage.
        """
        ...

    def build_noise(self, settings: TrainSettings, /) -> NoiseProcess:
        """Forward process of the `train` settings."""
        ...


class Sampler(Protocol[_Sampled_contra, _Sampling_contra, _Trained_contra]):
    """A domain's `sampler` part, a module."""

    def build_sampler(
        self, sampling: _Sampling_contra, settings: _Trained_contra, network: _Sampled_contra, /
    ) -> DrawStrings:
        """Map from a source of random numbers to strings.

        Args:
            sampling: of the `sample` stage.
            settings: of the `train` stage, which the checkpoint carries.
            network: restored from the checkpoint, or something else that denoises as it does.
        """
        ...

    def batch_size(self, settings: _Trained_contra, device: torch.device, /) -> int:
        """Strings of each replica in one network call: as many as the device works on well."""
        ...

    def string_length(self, settings: _Trained_contra, /) -> int:
        """Tokens of a string, d."""
        ...
