"""Probe of text: what networks lose on a masked window of adjacent tokens, by its length.

A window of n adjacent tokens stands in a held-out block whose other tokens are shown. For k uniform
in 1..n, k random tokens of the window are masked; the mean over k of their mean cross-entropy is a
bound on -log p(window | other tokens) / n, and equal to it for the exact denoiser: reveal the
window in a random order, one token after the other. The fork of MD4 that the paper's text was made
with has such a loss, for n = 1, 2, 4..512; whether it was published is not known.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.artifacts.chosen_rows import Strings
from pipeline.base.randomness import stream_key, uniforms
from pipeline.measurement.probe import ProbeRow
from pipeline.networks.transformer import Transformer
from pipeline.noise.base import token_cross_entropy
from pipeline.sampling.absorbing import PartialDenoiser
from pipeline.text.model import build_noise, replica_keys
from pipeline.text.sampler import batch_size
from pipeline.text.settings import Probe, TrainSettings


class Examination:
    """The same windows of the same blocks for every network of a trajectory.

    Args:
        settings: `probe` section of the config.
        trained: settings of the `train` stage.
        data: of the cell, of which the `validation` blocks [1, N, d] are read.
        device: where networks are.
    """

    def __init__(
        self,
        settings: Probe,
        trained: TrainSettings,
        _sources: Sequence[Path],
        data: Mapping[str, Strings],
        device: torch.device,
    ) -> None:
        self._noise, (key,) = build_noise(trained), replica_keys(trained)
        self._key, self._device = stream_key(key, "windows"), device
        self._batch = batch_size(trained, device)
        self._windows = settings.windows
        self._blocks = data["validation"][0, : settings.blocks].astype(np.int64)

    def __call__(self, network: Transformer) -> list[list[ProbeRow]]:
        """Rows of the one replica: the loss of every length of window, nats per token."""
        rows = []
        for window in self._windows:
            losses = self.losses(network.logits_at, window)
            error = losses.std() / np.sqrt(losses.size)
            rows.append(ProbeRow("window_loss", losses.mean(), error, losses.size, window=window))
        return [rows]

    def losses(self, denoiser: PartialDenoiser, window: int) -> np.ndarray:
        """Mean cross-entropy of the masked tokens of every block, float64 [N]."""
        places, masked = self._draw(window)
        parts = []
        for start in range(0, len(self._blocks), self._batch):
            chosen = slice(start, start + self._batch)
            tokens = torch.from_numpy(self._blocks[chosen]).to(self._device)
            there, hidden = (torch.from_numpy(x[chosen]).to(self._device) for x in (places, masked))
            parts.append(self._mean_losses(denoiser, tokens, there, hidden).double().cpu().numpy())
        return np.concatenate(parts)

    def _draw(self, window: int) -> tuple[np.ndarray, np.ndarray]:
        """Places of the tokens of windows, int64 [N, n], and which are masked, bool [N, n]."""
        count, length = self._blocks.shape
        block = np.arange(count)
        starts = uniforms(self._key, window, block, 0) * (length - window + 1)
        masked = 1 + (uniforms(self._key, window, block, 1) * window).astype(int)
        order = uniforms(self._key, window, block[:, None], 2, np.arange(window)).argsort(axis=1)
        return starts.astype(int)[:, None] + np.arange(window), order < masked[:, None]

    def _mean_losses(
        self, denoiser: PartialDenoiser, tokens: Tensor, places: Tensor, masked: Tensor
    ) -> Tensor:
        clean = tokens.gather(1, places)
        shown = torch.where(masked, self._noise.mask, clean)
        # The network is told the time at which so large a part of the block is masked on average.
        level = self._noise.time_of(masked.sum(dim=1) / tokens.shape[1])
        logits = denoiser(tokens.scatter(1, places, shown)[None], level[None], places[None])
        losses = token_cross_entropy(logits[0], clean) * masked
        return losses.sum(dim=1) / masked.sum(dim=1)
