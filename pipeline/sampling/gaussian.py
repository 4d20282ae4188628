"""Ancestral sampling for Gaussian noise (Ho et al. 2020), with learned variances."""

import torch
from torch import Tensor

from pipeline.noise.base import Denoiser
from pipeline.noise.gaussian import GaussianNoise, standard_normal
from pipeline.sampling.parts import Draw


def sample_gaussian(
    denoiser: Denoiser, noise: GaussianNoise, draw: Draw, steps: int | None
) -> Tensor:
    """Draw images by ancestral steps, from standard normal numbers to pixel values.

    The predicted x_0 is clipped to [-1, 1] at every step, and the last step adds no noise. Pixel
    values are rounded, which is the inverse of how they become numbers; the code of Improved DDPM
    truncates (x + 1) 127.5, and so darkens by half a value.

    Args:
        denoiser: network or closed form.
        noise: forward process.
        draw: random numbers; `draw(2 * k)` and `draw(2 * k + 1)` are for the image at the k-th of
            the levels that are used, from the highest (the start) down to the first.
        steps: number of steps, evenly spaced over the levels, at least 2; none for all levels.

    Returns:
        Tokens, int64 [R, n, d].

    Raises:
        PipelineError: there are fewer levels than steps.
    """
    if steps is not None:
        noise = noise.respaced(steps)
    images = _gaussians(draw, noise.levels)
    told = noise.original_levels.to(images.device)
    for level in range(noise.levels, 0, -1):
        t = torch.full(images.shape[:2], level, device=images.device)
        outputs = denoiser(images.float(), told[t])
        images, log_variance = noise.reverse(outputs, images, t, clip=True)
        if level > 1:
            images += (0.5 * log_variance).exp() * _gaussians(draw, level - 1)
    return ((images + 1) * 127.5).round().clamp(0, 255).long()


def _gaussians(draw: Draw, level: int) -> Tensor:
    return standard_normal(draw(2 * level), draw(2 * level + 1))
