"""Stage `pictures`: samples as PNG files, kept in a table."""

import io
from collections.abc import Sequence
from math import isqrt
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.artifacts import streams, tables
from pipeline.artifacts.samples import sample_places, training_settings
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.spec import Spec
from pipeline.image.settings import ShownImages, TrainSettings


def keep_pictures(spec: Spec[ShownImages], samples: Sequence[Path], output: Path) -> None:
    """Keep the first samples of every checkpoint as pictures.

    Args:
        spec: spec of the stage.
        samples: of every checkpoint, or controls, `tokens` [R, N, d], uint8.
        output: Parquet file of one row per sample; its name is the kind of table.
    """
    shown, rows, inputs = spec.settings.shown_images, [], {}
    for path in samples:
        artifact = streams.map_tensors(path, "samples")
        inputs[path.name] = artifact.sha256
        places = sample_places(artifact, training_settings(artifact, TrainSettings))
        for place, tokens in zip(places, artifact.tensors["tokens"], strict=True):
            pictures = enumerate(map(encode_png, tokens[:shown]))
            rows += [{**place, "sample": number, "png": png} for number, png in pictures]
    tables.write_table(output, pd.DataFrame(rows), make_stamp(output.stem, spec, inputs))


def encode_png(tokens: np.ndarray) -> bytes:
    """PNG file of an image.

    Args:
        tokens: pixel values, uint8 [3 s**2], channel-first and row by row.
    """
    side = isqrt(len(tokens) // 3)
    file = io.BytesIO()
    Image.fromarray(tokens.reshape(3, side, side).transpose(1, 2, 0)).save(file, "PNG")
    return file.getvalue()
