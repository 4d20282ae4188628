"""Control images: the reference, other real images, white noise, and images of exchanged blocks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.artifacts import streams
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation, stream_key
from pipeline.base.types import Values
from pipeline.image.estimators.pixels import as_pictures, white_noise
from pipeline.image.settings import ControlSettings
from pipeline.measurement.exchange_blocks import exchange_blocks

SOURCE = "images"


def controls(source: Path, settings: ControlSettings) -> Iterator[tuple[Values, np.ndarray]]:
    """Held-out images that generated ones are compared with, then what is compared likewise.

    These are other held-out images, as many as there are samples; white noise of unit variance,
    clipped to the range of pixels; and the same real images with blocks of each length exchanged
    among them.

    Yields:
        Columns that say which control it is, and tokens [N, d].

    Raises:
        PipelineError: there are too few held-out images.
    """
    held_out = streams.map_tensors(source, SOURCE).tensors["validation"]
    reference, real = _draw(held_out, settings.reference_images, settings.samples)
    place = {"setting": settings.setting, "block_length": None}
    yield place | {"control": "reference"}, reference
    yield place | {"control": "real"}, real
    noise = white_noise(len(real), real.shape[1], stream_key("controls", "noise"))
    yield place | {"control": "noise"}, noise
    for length in settings.block_lengths:
        key = stream_key("controls", "blocks", length)
        blocks = exchange_blocks(as_pictures(real), length, key).reshape(real.shape)
        yield place | {"control": "blocks", "block_length": float(length)}, blocks


def _draw(held_out: np.ndarray, reference: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of images that have none in common, each in random order."""
    if len(held_out) < reference + samples:
        raise PipelineError(
            f"domains.image.data.validation_fraction leaves {len(held_out)} images held out, but "
            f"domains.image.measurement.reference_images = {reference} and "
            f"domains.image.sampling.samples = {samples} need {reference + samples}; raise it, or "
            "lower these"
        )
    order = permutation(len(held_out), "controls")
    return held_out[order[:reference]], held_out[order[reference : reference + samples]]
