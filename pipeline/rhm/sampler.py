"""Sampler of the Random Hierarchy Model: the one of the noise that the network was trained for."""

import torch

from pipeline.base.types import Settings
from pipeline.noise.absorbing import Absorbing
from pipeline.noise.base import Denoiser
from pipeline.rhm.model import build_noise
from pipeline.sampling import generate
from pipeline.sampling.absorbing import at_positions, sample_absorbing
from pipeline.sampling.parts import DrawStrings
from pipeline.sampling.uniform import sample_uniform


def build_sampler(sampling: Settings, settings: Settings, denoiser: Denoiser) -> DrawStrings:
    """Map from a source of random numbers to strings.

    Args:
        sampling: `sampling` section of the config.
        settings: of the `train` stage, which the checkpoint carries.
        denoiser: network or oracle.
    """
    noise = build_noise(settings)
    if isinstance(noise, Absorbing):
        return lambda draw: sample_absorbing(at_positions(denoiser), noise, draw)
    levels, spacing = sampling["levels"], sampling["spacing"]
    return lambda draw: sample_uniform(denoiser, noise, draw, levels, spacing)


def batch_size(_settings: Settings, _device: torch.device) -> int:
    """Strings of each replica in one network call."""
    return generate.BATCH


def string_length(settings: Settings) -> int:
    """Tokens of a string, d = s**L."""
    setting = settings["cell"]["setting"]
    return setting["s"] ** setting["L"]
