"""Denoising loss on fixed strings, levels and noise, so that checkpoints compare pairwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.base.device_randomness import uniforms_on
from pipeline.base.randomness import stream_key
from pipeline.networks.network import Network
from pipeline.noise.base import Denoiser, NoiseProcess
from pipeline.noise.losses import Loss

_CHUNK, _MOST_LOGITS = 4096, 2**26
"""Strings of each replica, and tokens times symbols of all, in one call at most."""
NOISE_BINS = 10


@dataclass(frozen=True)
class LossRow:
    """Mean loss of one replica over the noise levels above `noise_low` up to `noise_high`."""

    replica: int
    noise_low: float
    noise_high: float
    loss: float
    standard_error: float
    count: int


def evaluate(
    network: Network, noise: NoiseProcess, loss: Loss, tokens: np.ndarray, keys: Sequence[int]
) -> list[LossRow]:
    """Loss over all levels, and in each of ten bins of t / T.

    Args:
        network: the ensemble.
        noise: forward process.
        loss: per-string loss.
        tokens: strings [R, N, d]; string i is corrupted at the level of (i + 1/2) / N.
        keys: one per replica; they decide the noise.
    """
    device = next(network.parameters()).device
    with torch.inference_mode():
        values = string_losses(network, noise, loss, tokens, keys, device)
    return [LossRow(r, *row) for r, part in enumerate(values) for row in noise_bins(noise, part)]


def string_losses(
    denoiser: Denoiser,
    noise: NoiseProcess,
    loss: Loss,
    tokens: np.ndarray,
    keys: Sequence[int],
    device: torch.device,
) -> np.ndarray:
    """Loss of every string, in units of `loss`, float64 [R, N]; arguments as for `evaluate`."""
    parts = [
        loss(noise, denoiser(xt, t), x0, xt, t)
        for x0, xt, t in corrupted_strings(noise, tokens, keys, device)
    ]
    return torch.cat(parts, dim=1).double().cpu().numpy()


def corrupted_strings(
    noise: NoiseProcess, tokens: np.ndarray, keys: Sequence[int], device: torch.device
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Chunks of strings x_0 [R, n, d], of these strings corrupted, x_t, and of levels t [R, n]."""
    strings = tokens.shape[1]
    levels = _stratified_levels(noise, strings)
    streams = np.array([stream_key(key, "evaluation") for key in keys], dtype=np.uint64)
    place = np.arange(tokens.shape[2])[:, None], np.arange(2)
    chunk = min(_CHUNK, max(1, _MOST_LOGITS // (noise.symbols * tokens[:, 0].size)))
    for start in range(0, strings, chunk):
        part = slice(start, start + chunk)
        x0 = torch.from_numpy(tokens[:, part].astype(np.int64)).to(device)
        t = torch.from_numpy(levels[part]).to(device).expand(x0.shape[:2])
        index = np.arange(strings)[part, None, None]
        draws = uniforms_on(device, streams[:, None, None, None], index, *place)
        yield x0, noise.corrupt(x0, t, draws), t


def noise_bins(
    noise: NoiseProcess, losses: np.ndarray
) -> Iterator[tuple[float, float, float, float, int]]:
    """Noise range as fractions of T, mean, standard error and count: of all, then of ten bins.

    Args:
        noise: forward process.
        losses: of all strings of one replica, [N], at the levels of `evaluate`.
    """
    levels = _stratified_levels(noise, len(losses))
    edges = np.linspace(0, 1, NOISE_BINS + 1)
    for low, high in [(0.0, 1.0), *zip(edges[:-1], edges[1:], strict=True)]:
        values = losses[(levels > low * noise.levels) & (levels <= high * noise.levels)]
        if values.size:
            # A single string tells nothing about the spread.
            error = values.std() / np.sqrt(values.size) if values.size > 1 else np.nan
            yield low, high, values.mean(), error, values.size


def _stratified_levels(noise: NoiseProcess, strings: int) -> np.ndarray:
    return noise.times((np.arange(strings) + 0.5) / strings)
