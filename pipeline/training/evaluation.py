"""Denoising loss on fixed strings, levels and noise, so that checkpoints compare pairwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.noise.base import NoiseProcess
from pipeline.noise.losses import Loss
from pipeline.randomness import stream_key, uniforms

_CHUNK = 4096
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
    network: nn.Module, noise: NoiseProcess, loss: Loss, tokens: np.ndarray, keys: Sequence[int]
) -> list[LossRow]:
    """Loss in nats per token over all levels, and in each of ten bins of t / T.

    Args:
        network: the ensemble.
        noise: forward process.
        loss: per-string loss.
        tokens: strings [R, N, d]; string i is corrupted at level ceil((i + 1/2) T / N).
        keys: one per replica; they decide the noise.
    """
    strings = tokens.shape[1]
    levels = np.ceil((np.arange(strings) + 0.5) * noise.levels / strings).astype(np.int64)
    with torch.inference_mode():
        chunks = [
            _losses(network, noise, loss, tokens, levels, keys, slice(i, i + _CHUNK))
            for i in range(0, strings, _CHUNK)
        ]
    per_string = torch.cat(chunks, dim=1).double().cpu().numpy()
    return [row for r, values in enumerate(per_string) for row in _bins(r, values, levels, noise)]


def _losses(
    network: nn.Module,
    noise: NoiseProcess,
    loss: Loss,
    tokens: np.ndarray,
    levels: np.ndarray,
    keys: Sequence[int],
    part: slice,
) -> Tensor:
    x0 = torch.from_numpy(tokens[:, part].astype(np.int64))
    t = torch.from_numpy(levels[part]).expand(x0.shape[:2])
    streams = np.array([stream_key(key, "evaluation") for key in keys], dtype=np.uint64)
    index = np.arange(tokens.shape[1])[part, None, None]
    place = np.arange(x0.shape[2])[:, None], np.arange(2)
    draws = torch.from_numpy(uniforms(streams[:, None, None, None], index, *place))
    device = next(network.parameters()).device
    x0, t = x0.to(device), t.to(device)
    xt = noise.corrupt(x0, t, draws.to(device))
    return loss(noise, network(xt, t), x0, xt, t)


def _bins(
    replica: int, losses: np.ndarray, levels: np.ndarray, noise: NoiseProcess
) -> Iterator[LossRow]:
    edges = np.linspace(0, 1, NOISE_BINS + 1)
    for low, high in [(0.0, 1.0), *zip(edges[:-1], edges[1:], strict=True)]:
        inside = (levels > low * noise.levels) & (levels <= high * noise.levels)
        values = losses[inside]
        if values.size:
            error = values.std() / np.sqrt(values.size)
            yield LossRow(replica, low, high, values.mean(), error, values.size)
