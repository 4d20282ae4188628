"""Stage `encode`: features of images, of samples or of controls, under a pretrained encoder."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from math import isqrt
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from pipeline.artifacts import streams
from pipeline.artifacts.chosen_rows import Strings, map_dataset
from pipeline.artifacts.samples import sample_origin
from pipeline.artifacts.tensors import make_stamp
from pipeline.artifacts.workspace import Workspace, remove_all_but
from pipeline.base.errors import PipelineError
from pipeline.base.spec import Spec
from pipeline.image.features.encoder import Encoder, load_encoder
from pipeline.image.settings import Encoding

_BATCH = 32
"""Images in one call of the encoder; more are slower on a CPU, and enough to fill a GPU."""


def encode(
    spec: Spec[Encoding], encoder: Path, samples: Sequence[Path], features: Sequence[Path]
) -> None:
    """Encode the images of each file into the output of the same position.

    A file that an earlier attempt has finished is not made again; what was made with other settings
    is deleted.

    Args:
        spec: spec of the stage.
        encoder: directory of the encoder.
        samples: `tokens` [R, N, d], uint8, of every checkpoint, or controls.
        features: outputs, each with the `tokens`; for every layer `layer<k>` float32 [R, N, C],
            the mean of its map; and for every layer of `map_layers` also the map itself, `map<k>`
            float16 [R, N, C, h, w]. Their stamps say what the samples are of (`step` and
            `trained`, or `control`) and made by (`sampled`), and which `encoder` was used.

    Raises:
        PipelineError: the encoder lacks a layer, or gives features that are no finite numbers.
    """
    loaded, workspaces = load_encoder(encoder, spec.settings.layers), []
    for path, output in zip(samples, features, strict=True):
        images = streams.map_tensors(path, "samples")
        made_by = {"sampled": images.stamp["spec"], "encoder": loaded.record}
        origin, inputs = sample_origin(images.stamp) | made_by, {"samples": images.sha256}
        made_of = {"spec": spec.plain, "inputs": inputs, "lineage": dict(spec.lineage)}
        identity = made_of | origin
        workspace = Workspace(output.parent, identity)
        made = workspace.path(output.name)
        if not streams.is_whole(made, "features", identity):
            stamp = make_stamp("features", spec, inputs) | origin
            tokens = images.tensors["tokens"]
            with streams.writing(made, stamp) as stream:
                stream.add("tokens", tokens, tokens.shape)
                _add_features(stream, tokens, loaded, spec.settings, made.parent)
        workspace.publish(output.name, output)
        workspaces.append(workspace)
    remove_all_but(workspaces)


def encode_training(
    spec: Spec[Encoding], encoder: Path, sources: Sequence[Path], dataset: Path, output: Path
) -> None:
    """Encode the training images of every replica, [R, P, d], and keep their features alone.

    Args:
        spec: spec of the stage.
        encoder: directory of the encoder.
        sources: what the data are rows of.
        dataset: the cell's data.
        output: features as those of `encode`, without the `tokens`.

    Raises:
        PipelineError: as `encode`.
    """
    loaded = load_encoder(encoder, spec.settings.layers)
    data = map_dataset(dataset, sources)
    stamp = make_stamp("features", spec, data.inputs) | {"encoder": loaded.record}
    with streams.writing(output, stamp) as stream:
        _add_features(stream, data.strings["training"], loaded, spec.settings, output.parent)


def scale(tokens: np.ndarray, size: int, device: torch.device) -> Tensor:
    """Images for the encoder.

    Args:
        tokens: pixel values, uint8 [B, 3 s**2], channel-first.
        size: pixels of a side that they are scaled to, with a bicubic filter, which is widened
            where it makes images smaller; what overshoots is cut off.
        device: where they are scaled.

    Returns:
        float32 [B, 3, size, size], in 0..255.
    """
    side = isqrt(tokens.shape[1] // 3)
    images = torch.from_numpy(np.array(tokens)).to(device).float().reshape(-1, 3, side, side)
    scaled = interpolate(images, (size, size), mode="bicubic", antialias=True)
    return scaled.clamp(0, 255)


def _add_features(
    stream: streams.TensorStream,
    images: Strings,
    encoder: Encoder,
    settings: Encoding,
    directory: Path,
) -> None:
    """Encode batch by batch; maps, which may be larger than memory, go through files there."""
    replicas, count = images.shape[:2]
    means: dict[int, list[np.ndarray]] = {layer: [] for layer in settings.layers}
    with ExitStack() as open_files:
        files = {
            layer: open_files.enter_context(TemporaryFile(dir=directory))
            for layer in settings.map_layers
        }
        for start in range(0, replicas * count, _BATCH):
            numbers = np.arange(start, min(start + _BATCH, replicas * count))
            batch = images[np.divmod(numbers, count)]
            found = encoder.features(scale(batch, settings.size, encoder.device))
            for layer, maps in found.items():
                means[layer].append(_finite(maps.mean((2, 3)), layer))
            for layer, file in files.items():
                file.write(_finite(found[layer].half(), layer).tobytes())
        for layer, parts in means.items():
            stream.add(f"layer{layer}", parts, (replicas, count, parts[0].shape[1]))
        for layer, file in files.items():
            shape = found[layer].shape[1:]
            stream.add(f"map{layer}", _rows(file, int(np.prod(shape))), (replicas, count, *shape))


def _finite(features: Tensor, layer: int) -> np.ndarray:
    array = features.cpu().numpy()
    if not np.isfinite(array).all():
        raise PipelineError(
            f"domains.image.encoder: features of layer {layer} are no finite numbers, or too "
            "large for float16; its weights may be broken: delete its directory to have it made "
            "anew, or leave out the layer"
        )
    return array


def _rows(file: BinaryIO, numbers: int) -> Iterator[np.ndarray]:
    """Maps of `numbers` values each that were written to a file, one after the other."""
    file.seek(0)
    while content := file.read(2 * numbers):  # bytes of float16
        yield np.frombuffer(content, np.float16)
