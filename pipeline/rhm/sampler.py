"""Sampler of the Random Hierarchy Model: the one of the noise that the network was trained for."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from pipeline.base.choices import Choices
from pipeline.base.types import Settings
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.base import Denoiser
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.model import build_noise
from pipeline.sampling import generate
from pipeline.sampling.absorbing import at_positions, sample_absorbing
from pipeline.sampling.parts import Draw, DrawStrings
from pipeline.sampling.uniform import sample_uniform


def _uniform(sampling: Settings, noise: UniformNoise, denoiser: Denoiser, draw: Draw) -> Tensor:
    return sample_uniform(denoiser, noise, draw, sampling["levels"], sampling["spacing"])


def _absorbing(
    _sampling: Settings, noise: AbsorbingNoise, denoiser: Denoiser, draw: Draw
) -> Tensor:
    return sample_absorbing(at_positions(denoiser), noise, draw)


_SAMPLERS: Choices[Callable[..., Tensor]] = Choices(
    "noise.process", {"uniform": _uniform, "absorbing": _absorbing}
)


def build_sampler(sampling: Settings, settings: Settings, denoiser: Denoiser) -> DrawStrings:
    """Map from a source of random numbers to strings.

    Args:
        sampling: `sampling` section of the config.
        settings: of the `train` stage, which the checkpoint carries.
        denoiser: network or oracle.
    """
    of_process = _SAMPLERS[settings["noise"]["process"]]
    return partial(of_process, sampling, build_noise(settings), denoiser)


def batch_size(_settings: Settings, _device: torch.device) -> int:
    """Strings of each replica in one network call."""
    return generate.BATCH


def string_length(settings: Settings) -> int:
    """Tokens of a string, d = s**L."""
    setting = settings["cell"]["setting"]
    return setting["s"] ** setting["L"]
