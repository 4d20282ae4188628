"""The encoder, a pretrained vision network: made ready once, then loaded from its directory.

The directory holds safetensors, what the model needs beside them, and a record, `encoder.json`,
which also has the number of `parameters` and of `layers`, and the `architecture`.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.base.device import choose_device
from pipeline.base.errors import PipelineError
from pipeline.image.features import preprocessing
from pipeline.image.features.blocks import (
    Blocks,
    efficientnet_lite0,
    random_network,
    random_weights,
)
from pipeline.image.features.fitness import check_encoder
from pipeline.image.settings import EfficientNetLite0
from pipeline.sources.archives import read_members
from pipeline.sources.pretrained import Role
from pipeline.sources.settings import DirectoryModel, HubModel, RandomModel

if TYPE_CHECKING:  # transformers takes seconds to import
    from pipeline.image.features.hidden_states import HiddenStates

Model = HubModel | DirectoryModel | EfficientNetLite0 | RandomModel
ENCODER = Role("encoder", "an", "domains.image.encoder.model", preprocessing.FILES)
"""The role that these models have."""
_WEIGHTS = "model.safetensors"
_BLOCKS = {"efficientnet_lite0": efficientnet_lite0, "random": random_network}
_HIDDEN_STATES = "hidden states"


@dataclass(frozen=True)
class Encoder:
    """An encoder in evaluation mode.

    Attributes:
        record: which model it is.
        layers: those whose features are wanted.
        network: gives features of chosen layers.
        device: where they are computed.
    """

    record: dict[str, Any]
    layers: tuple[int, ...]
    network: "Blocks | HiddenStates"
    device: torch.device

    @torch.inference_mode()
    def features(self, images: Tensor) -> dict[int, Tensor]:
        """Features of images, by layer.

        Args:
            images: float32 [B, 3, s, s], values of pixels in 0..255, on any device.

        Returns:
            For every layer float32 [B, C, h, w], on the encoder's device.

        Raises:
            PipelineError: the model takes no images of this size.
        """
        images = images.to(self.device, memory_format=torch.channels_last)  # 1.3 times the speed
        return self.network(images, self.layers)


def prepare_encoder(
    model: Model,
    archive: Path | None,
    output: Path,
    size: int | None = None,
    layers: Sequence[int] | None = None,
) -> None:
    """Make the directory of an encoder, whole or not at all.

    The model is loaded and tried: its features must not depend on chance, and lie where the part
    of the image lies that they describe.

    Args:
        model: one of the hub, which was fetched and is linked; of a directory, which is linked;
            EfficientNet-Lite0, a .pth file inside `archive`; or random.
        archive: wheel that holds the .pth file, or directory that `fetch_hub_model` has made; None
            for the other kinds.
        output: directory to make; an older one is replaced.
        size: pixels of a side that it will be used with; None for the size that it was made for.
        layers: those that will be wanted; None for all.

    Raises:
        PipelineError: the model was not fetched, is incomplete or of unknown kind, lacks
            a layer, takes no images of this size, or fails when it is tried.
    """
    with ENCODER.preparing(output) as (directory, record):
        record.update(_FILL[model.kind](model, archive, directory))
        with ENCODER.refusing(record["id"], "choose another"):
            network = _load(record["architecture"], directory)
            wanted = range(network.layers) if layers is None else layers
            _check_layers(record["id"], network.layers, wanted)
            check_encoder(network, size or network.size, wanted)
        parameters = sum(weight.numel() for weight in network.parameters())
        record.update(parameters=parameters, layers=network.layers)


def load_encoder(directory: Path, layers: Sequence[int]) -> Encoder:
    """The encoder of a directory that `prepare_encoder` made, on the GPU if there is one.

    Raises:
        PipelineError: files are missing, were altered, hold no model that can be loaded, or one
            that lacks a layer.
    """
    device = choose_device()
    with ENCODER.refusing(directory, "delete it to have it made anew, or choose another"):
        record = ENCODER.read_record(directory)
        network = _load(record["architecture"], directory)
    _check_layers(record["id"], record["layers"], layers)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload] # undeclared
    return Encoder(record, tuple(layers), network, device)


def _check_layers(name: str, there: int, wanted: Sequence[int]) -> None:
    absent = [layer for layer in wanted if layer >= there]
    if absent:
        raise PipelineError(
            f"domains.image.encoder.layers: {name} has layers 0 to {there - 1}, not {absent[0]}; "
            "leave it out"
        )


def _load(architecture: str, directory: Path) -> "Blocks | HiddenStates":
    if architecture in _BLOCKS:
        return _BLOCKS[architecture](load_file(directory / _WEIGHTS))
    from pipeline.image.features.hidden_states import HiddenStates

    return HiddenStates(directory)


def _convert_weights(
    model: EfficientNetLite0, given: Path | None, directory: Path
) -> dict[str, Any]:
    """Weights of a .pth file, which is a pickle and therefore read as tensors only."""
    archive = ENCODER.archive(model.package, given)
    (name, content), *more = read_members(archive, model.file)
    with ENCODER.refusing(f"{name} in {archive}", "name another file of it, or another"):
        if more:
            raise ValueError(f"there is also {more[0][0]}")
        weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        efficientnet_lite0(weights)
    _save(weights, directory)
    return {"id": Path(name).stem, "revision": archive.name, "architecture": model.kind}


def _save_random(model: RandomModel, _archive: Path | None, directory: Path) -> dict[str, Any]:
    _save(random_weights(), directory)
    return {"id": "random weights", "revision": None, "architecture": model.kind}


def _save(weights: Mapping[str, Tensor], directory: Path) -> None:
    save_file({name: weight.contiguous() for name, weight in weights.items()}, directory / _WEIGHTS)
    (directory / _WEIGHTS).chmod(directory.stat().st_mode & 0o666)  # else hidden from the group


def _link_hub(model: HubModel, given: Path | None, directory: Path) -> dict[str, Any]:
    return ENCODER.link_hub_model(model, given, directory) | {"architecture": _HIDDEN_STATES}


def _link_directory(
    model: DirectoryModel, _archive: Path | None, directory: Path
) -> dict[str, Any]:
    return ENCODER.link_directory(model, directory) | {"architecture": _HIDDEN_STATES}


_FILL: dict[str, Callable[..., dict[str, Any]]] = {
    "hub": _link_hub,
    "directory": _link_directory,
    "efficientnet_lite0": _convert_weights,
    "random": _save_random,
}
