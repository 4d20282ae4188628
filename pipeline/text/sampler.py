"""Sampler of text: exact (first-hitting), or ancestral on the cosine grid as in MD4."""

import torch

from pipeline.networks.transformer import Transformer
from pipeline.sampling.absorbing import cosine_grid, sample_absorbing
from pipeline.sampling.parts import DrawStrings
from pipeline.text.model import build_noise
from pipeline.text.settings import Sampling, TrainSettings

_TOKENS = {"cuda": 2**16, "cpu": 2**11}


def build_sampler(sampling: Sampling, settings: TrainSettings, network: Transformer) -> DrawStrings:
    """Map from a source of random numbers to blocks of tokens.

    Args:
        sampling: `sampling` section of the config.
        settings: of the `train` stage, which the checkpoint carries.
        network: the denoiser.
    """
    noise, steps = build_noise(settings), sampling.steps
    grid = None if steps is None else cosine_grid(steps)
    return lambda draw: sample_absorbing(network.logits_at, noise, draw, grid)


def batch_size(settings: TrainSettings, device: torch.device) -> int:
    """Blocks in one network call: many for a GPU, few for the caches of a CPU."""
    return max(1, _TOKENS[device.type] // settings.context)


def string_length(settings: TrainSettings) -> int:
    """Tokens of a block."""
    return settings.context
