"""Trained networks of images at hand."""

import numpy as np
import torch
from torch import Tensor

from pipeline.image.settings import Sampling, TrainSettings
from pipeline.networks.unet2d import UNet2d
from pipeline.noise.schedules import alpha_bar
from pipeline.sampling.trained_network import TrainedNetwork


class Trained(TrainedNetwork[UNet2d, TrainSettings, Sampling]):
    """A network trained on images.

    `denoise` gives the estimate of the clean image given x_t, float64 [1, N, d], pixel values in
    0..255 but for what overshoots; `hidden` the outputs of `down.0`.., `up.0`.. as maps; `decode`
    images as libraries show them, [N, side, side, 3].
    """

    def _decode(self, tokens: np.ndarray) -> np.ndarray:
        """Images as libraries show them, [N, side, side, 3], from channel-first tokens [N, d]."""
        size = self.settings.size
        return tokens.reshape(-1, 3, size, size).transpose(0, 2, 3, 1)

    def _source_names(self) -> list[str]:
        return []

    def _estimate(self, outputs: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        noise = self.settings.noise
        values = torch.from_numpy(alpha_bar(noise.schedule, noise.noise_levels)).to(xt.device)
        left, epsilon = values[t].unsqueeze(-1), outputs[..., 0].double()
        # x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) epsilon, with x_0 in [-1, 1]
        clean = (xt.double() - (1 - left).sqrt() * epsilon) / left.sqrt()
        return (clean + 1) * 127.5
