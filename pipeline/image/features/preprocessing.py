"""What a pretrained model declares of how pixels become its input."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FILES = ("preprocessor_config.json", "processor_config.json")
"""Files that declare it, of which one is enough; the second holds an image processor in a part."""
_DEFAULTS = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
_DEFAULTS |= {"do_flip_channel_order": False}
_GEOMETRY = ("do_resize", "do_center_crop", "do_pad")
"""What a processor would do to the size of images, on which the config decides instead."""
_TOLERANCE = 1e-4
"""Difference of inputs, absolute and relative, that passes for rounding."""


@dataclass(frozen=True)
class Preprocessing:
    """Input of a model, [B, 3, h, w], from values of pixels in 0..255.

    Attributes:
        mean: subtracted from every channel, [3, 1, 1] or [1, 1, 1].
        std: what channels are divided by then, of the same shape.
        flipped: whether channels come in the order blue, green, red.
    """

    mean: Tensor
    std: Tensor
    flipped: bool

    def __call__(self, images: Tensor) -> Tensor:
        """The input, on the device of the images."""
        scaled = (images - self.mean.to(images.device)) / self.std.to(images.device)
        return scaled.flip(1) if self.flipped else scaled


def read_preprocessing(directory: Path) -> Preprocessing:
    """What the files of a model declare, and where they do not, the library's image processor.

    Raises:
        ValueError: it is not declared, or the library's processor does something else.
    """
    declared, processor = _read(directory), _processor(directory)
    values = {
        name: declared.get(name, getattr(processor, name, default))
        for name, default in _DEFAULTS.items()
    }
    factor = values["rescale_factor"] if values["do_rescale"] else 1.0
    normalisation = _normalisation(declared) if values["do_normalize"] else (0.0, 1.0)
    # (factor x - mean) / std is (x - mean / factor) / (std / factor).
    mean, std = (1 / factor * torch.tensor(value).reshape(-1, 1, 1) for value in normalisation)
    found = Preprocessing(mean, std, bool(values["do_flip_channel_order"]))
    if processor is None:
        _refuse_unknown(declared)
    else:
        _compare(found, processor, values)
    return found


def _read(directory: Path) -> dict[str, Any]:
    paths = [directory / name for name in FILES if (directory / name).exists()]
    if not paths:
        raise ValueError(f"there is neither {' nor '.join(FILES)}")
    content = json.loads(paths[0].read_text())
    return content.get("image_processor", content)


def _processor(directory: Path) -> Any:  # noqa: ANN401
    """The library's image processor; None where it knows none for the model."""
    from transformers import AutoImageProcessor  # takes seconds to import

    try:
        return AutoImageProcessor.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, ImportError):
        return None


def _refuse_unknown(declared: dict[str, Any]) -> None:
    """Without a processor of the library to compare with, what is not known must not be there."""
    known = {*_DEFAULTS, *_GEOMETRY, "do_convert_rgb"}
    for name, value in declared.items():
        if name.startswith("do_") and value and name not in known:
            raise ValueError(f"{name} = {value} is not known here")
    for name in ("image_processor_type", "feature_extractor_type"):
        if name in declared:
            raise ValueError(f"the library has no {name} = {declared[name]} to compare with")


def _normalisation(declared: dict[str, Any]) -> tuple[Any, Any]:
    for name in ("image_mean", "image_std"):
        if declared.get(name) is None:
            raise ValueError(f"{name} is missing, although do_normalize is not false")
    return declared["image_mean"], declared["image_std"]


def _compare(found: Preprocessing, processor: Any, values: dict[str, Any]) -> None:  # noqa: ANN401
    """Refuse a processor that does more to pixels than is known here."""
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    sizes = {name: False for name in _GEOMETRY if hasattr(processor, name)}
    expected = processor(images=[image], return_tensors="np", **sizes)["pixel_values"][0]
    ours = found(torch.from_numpy(image).permute(2, 0, 1)[None].float())[0].numpy()
    if expected.shape != ours.shape or not np.allclose(expected, ours, _TOLERANCE, _TOLERANCE):
        named = ", ".join(f"{name} = {value}" for name, value in values.items())
        raise ValueError(
            f"{type(processor).__name__} makes another input of images than is made here by {named}"
        )
