"""Sheets of images: a PNG file with one square image in every row of pixels."""

import io
from collections.abc import Iterator
from math import isqrt

import numpy as np
from PIL import Image

from pipeline.base.errors import PipelineError, one_line
from pipeline.image.dataset.declared import as_declared
from pipeline.image.dataset.decode import fit


def read_sheet(
    name: str, content: bytes, keep: np.ndarray | None, size: int
) -> tuple[int, Iterator[tuple[int, np.ndarray]]]:
    """Images of a sheet.

    Args:
        name: of the sheet, for messages.
        content: of its file.
        keep: for every row whether its image is wanted; may go on beyond the sheet. None for all.
        size: pixels of a side that images are brought to.

    Returns:
        Number of rows; and row and image, uint8 [3, size, size], of those that are wanted.

    Raises:
        PipelineError: it is no image, or its rows are no square images.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            pixels = np.asarray(as_declared(picture))
    except Exception as error:  # Pillow's errors are of no common type
        reason = one_line(error)
        raise PipelineError(
            f"{name} is no sheet of images ({reason}); correct domains.image.data.source.files"
        ) from error
    rows, width = pixels.shape[:2]
    side = isqrt(width)
    if side * side != width:
        raise PipelineError(
            f"{name} is {width} pixels wide, which is no square image in every row; correct "
            "domains.image.data.source.files"
        )
    images = pixels.reshape(rows, side, side, 3)
    chosen = np.arange(rows) if keep is None else np.flatnonzero(keep[:rows])
    return rows, ((int(row), fit(Image.fromarray(images[row]), size)) for row in chosen)
