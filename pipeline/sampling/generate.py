"""Stage `sample`: strings from every checkpoint of a trajectory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from pipeline.artifacts import streams
from pipeline.artifacts.tensors import Artifact, make_stamp, read_tensors, write_tensors
from pipeline.artifacts.upstream import settings_in
from pipeline.artifacts.workspace import Workspace
from pipeline.base.device import choose_device
from pipeline.base.device_randomness import uniforms_on
from pipeline.base.randomness import stream_key
from pipeline.base.spec import Spec
from pipeline.networks.network import Network
from pipeline.networks.restore import TrainSettings, restore_network
from pipeline.sampling.parts import DrawStrings, Model, Sampler
from pipeline.sampling.settings import Generation

_Network = TypeVar("_Network", bound=Network)
_Sampling = TypeVar("_Sampling", bound=Generation)

BATCH = 2048
"""Strings of each replica in one network call."""


def sample(
    spec: Spec[_Sampling],
    model: Model[_Network, TrainSettings],
    sampler: Sampler[_Network, _Sampling, TrainSettings],
    checkpoints: Sequence[Path],
    samples: Sequence[Path],
) -> None:
    """Sample from each checkpoint into the output of the same position.

    Args:
        spec: spec of the stage.
        model: the domain's `model` part.
        sampler: the domain's `sampler` part.
        checkpoints: inputs of one trajectory.
        samples: outputs, each with `tokens` [K R, N, d], R replicas for each of the K kinds of
            weights that `averages` of the settings names, in their order.
    """
    for checkpoint, output in zip(checkpoints, samples, strict=True):
        weights = read_tensors(checkpoint, "checkpoint")
        inputs = {"checkpoint": weights.sha256}
        made_of = {"spec": spec.plain, "inputs": inputs, "lineage": dict(spec.lineage)}
        workspace = Workspace(output.parent, made_of)
        if not streams.is_whole(workspace.path(output.name), "samples", made_of):
            tokens = _sample_checkpoint(spec.settings, model, sampler, weights)
            origin = {"step": weights.stamp["step"], "trained": weights.stamp["spec"]}
            origin |= {"averages": spec.settings.averages}
            stamp = {**make_stamp("samples", spec, inputs), **origin}
            write_tensors(workspace.path(output.name), {"tokens": tokens}, stamp)
        workspace.publish(output.name, output)


def generate(
    draw_strings: DrawStrings,
    keys: Sequence[int],
    count: int,
    length: int,
    device: torch.device,
    batch: int = BATCH,
    dtype: DTypeLike = np.int64,
) -> np.ndarray:
    """Draw `count` strings per replica in batches, with random numbers of each sample's own.

    Args:
        draw_strings: maps a source of uniforms [R, n, d] to tokens [R, n, d].
        keys: one per replica.
        count: strings per replica, N.
        length: tokens per string, d.
        device: where the tokens are computed.
        batch: strings per call and replica; results do not depend on it, but for the rounding of
            sums inside networks.
        dtype: integer type of the tokens to return.

    Returns:
        Tokens [R, N, d].
    """
    streams = np.array(keys, dtype=np.uint64)[:, None, None]
    parts = []
    for start in range(0, count, batch):
        index = np.arange(start, min(start + batch, count))[:, None]

        def draw(purpose: int, index: np.ndarray = index) -> Tensor:
            return uniforms_on(device, streams, index, purpose, np.arange(length))

        parts.append(draw_strings(draw).cpu().numpy().astype(dtype))
    return np.concatenate(parts, axis=1)


def sample_network(
    network: _Network,
    sampling: _Sampling,
    model: Model[_Network, TrainSettings],
    sampler: Sampler[_Network, _Sampling, TrainSettings],
    trained: TrainSettings,
    count: int,
    device: torch.device,
) -> np.ndarray:
    """Draw `count` strings from every replica of a network, by the sampler of its domain.

    Returns:
        Tokens [R, N, d], of the smallest type of integers that has all symbols.
    """
    keys = [stream_key(sampling.seed, key, "samples") for key in model.replica_keys(trained)]
    length, batch = sampler.string_length(trained), sampler.batch_size(trained, device)
    dtype = np.min_scalar_type(model.build_noise(trained).symbols - 1)
    draw = sampler.build_sampler(sampling, trained, network)
    with torch.inference_mode():
        return generate(draw, keys, count, length, device, batch, dtype)


def _sample_checkpoint(
    settings: _Sampling,
    model: Model[_Network, TrainSettings],
    sampler: Sampler[_Network, _Sampling, TrainSettings],
    weights: Artifact,
) -> np.ndarray:
    trained = settings_in(weights.stamp["spec"], weights.path, model.TRAINED)
    count, device = settings.samples, choose_device()
    networks = (restore_network(model, weights, device, average) for average in settings.averages)
    return np.concatenate(
        [sample_network(n, settings, model, sampler, trained, count, device) for n in networks]
    )
