"""Sampler of images: ancestral, over some or all noise levels."""

import torch

from pipeline.image.model import build_noise
from pipeline.image.settings import Sampling, TrainSettings
from pipeline.noise.base import Denoiser
from pipeline.sampling.gaussian import sample_gaussian
from pipeline.sampling.parts import DrawStrings

_FEATURES = {"cuda": 2**27, "cpu": 2**19}
"""Numbers in one layer of a network at full resolution, over all images of a call."""


def build_sampler(sampling: Sampling, settings: TrainSettings, denoiser: Denoiser) -> DrawStrings:
    """Map from a source of random numbers to images.

    Args:
        sampling: `sampling` section of the config.
        settings: of the `train` stage, which the checkpoint carries.
        denoiser: network or closed form.
    """
    noise, steps = build_noise(settings), sampling.steps
    return lambda draw: sample_gaussian(denoiser, noise, draw, steps)


def batch_size(settings: TrainSettings, device: torch.device) -> int:
    """Images in one network call: many for a GPU, few for the caches of a CPU."""
    features = settings.network.width * settings.size**2
    return max(1, _FEATURES[device.type] // features)


def string_length(settings: TrainSettings) -> int:
    """Numbers of an image, three per pixel."""
    return 3 * settings.size**2
