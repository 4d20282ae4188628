"""Sampler of the Random Hierarchy Model: the one of the noise that the network was trained for."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from pipeline.base.choices import Choices
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.base import Denoiser
from pipeline.noise.settings import TokenNoise
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.model import make_noise
from pipeline.rhm.settings import Sampling, TrainSettings
from pipeline.sampling.absorbing import at_positions, sample_absorbing
from pipeline.sampling.parts import Draw, DrawStrings
from pipeline.sampling.uniform import sample_uniform


def _uniform(sampling: Sampling, noise: UniformNoise, denoiser: Denoiser, draw: Draw) -> Tensor:
    return sample_uniform(denoiser, noise, draw, sampling.steps, sampling.spacing)


def _absorbing(
    _sampling: Sampling, noise: AbsorbingNoise, denoiser: Denoiser, draw: Draw
) -> Tensor:
    return sample_absorbing(at_positions(denoiser), noise, draw)


_STRINGS = {"cuda": 2**11, "cpu": 2**9}

_SAMPLERS: Choices[Callable[..., Tensor]] = Choices(
    "noise.process", {"uniform": _uniform, "absorbing": _absorbing}
)


def make_sampler(
    sampling: Sampling, noise: TokenNoise, symbols: int, denoiser: Denoiser
) -> DrawStrings:
    """Map from a source of random numbers to strings.

    Args:
        sampling: section of the config.
        noise: section of the config.
        symbols: of the grammar, v.
        denoiser: network or oracle.
    """
    return partial(_SAMPLERS[noise.process], sampling, make_noise(noise, symbols), denoiser)


def build_sampler(sampling: Sampling, settings: TrainSettings, denoiser: Denoiser) -> DrawStrings:
    """The same for a network of the `train` settings, which its checkpoint carries."""
    return make_sampler(sampling, settings.noise, settings.cell.setting.v, denoiser)


def batch_size(_settings: TrainSettings, device: torch.device) -> int:
    """Strings of each replica in one network call: many for a GPU, few for the caches of a CPU."""
    return _STRINGS[device.type]


def string_length(settings: TrainSettings) -> int:
    """Tokens of a string, d = s**L."""
    return settings.cell.setting.length
