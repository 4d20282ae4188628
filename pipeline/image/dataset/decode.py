"""From files of images to pixels of one size, in several processes but in a fixed order."""

import io
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from pipeline.base.errors import PipelineError, one_line
from pipeline.image.dataset.declared import as_declared
from pipeline.sources.placeholders import refuse_placeholder, refuse_placeholder_file

_ROUND = 64
"""Images per process that are in memory at once, as files."""
_CHUNK = 16
"""Images that are handed to a process at once."""
_LONGEST = 8
"""Length over width up to which a picture is scaled as a whole."""


class Decoded(NamedTuple):
    """An image of a source.

    Attributes:
        name: of the image within its source.
        pixels: uint8 [3, size, size]; None where the image is corrupt.
        flaw: why it is corrupt.
    """

    name: str
    pixels: np.ndarray | None
    flaw: str = ""


class Encoded(NamedTuple):
    """An image that is still to be decoded.

    Attributes:
        name: of the image within its source.
        file: its path, or its content; None where the source lacks it.
    """

    name: str
    file: Path | bytes | None


def decode_all(
    images: Iterable[Encoded], size: int, processes: int | None = None
) -> Iterator[Decoded]:
    """Decode images in their order; neither order nor pixels depend on the processes.

    Args:
        images: any number, few of which are in memory at once.
        size: pixels of a side.
        processes: how many decode; None for as many as there are cores for this job.

    Raises:
        PipelineError: a process was killed, as happens where memory runs out.
    """
    images, decode = iter(images), partial(decode_image, size=size)
    processes = processes or _cores()
    if processes == 1:
        yield from map(decode, images)
        return
    context = multiprocessing.get_context("spawn")  # a fork would inherit locks of other threads
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        try:
            while batch := list(islice(images, _ROUND * processes)):
                yield from pool.map(decode, batch, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise PipelineError(
                "a process that decoded images was killed, perhaps for want of memory; "
                "give the job more memory, or fewer cores"
            ) from error


def decode_image(image: Encoded, size: int) -> Decoded:
    """Decode one image, as its file says that it is to be seen.

    Raises:
        PipelineError: a placeholder of Git LFS is in its place; nothing else raises an error.
    """
    if image.file is None:
        return Decoded(image.name, None, "there is no content")
    file = image.file if isinstance(image.file, Path) else io.BytesIO(image.file)
    try:
        with Image.open(file) as picture:
            return Decoded(image.name, fit(as_declared(picture), size))
    except UnidentifiedImageError:
        _refuse_placeholder(image.name, image.file)
        return Decoded(image.name, None, "no image of a known format")
    except Exception as error:  # Pillow's errors are of no common type
        return Decoded(image.name, None, one_line(error))


def _refuse_placeholder(name: str, file: Path | bytes) -> None:
    if isinstance(file, Path):
        refuse_placeholder_file(file)
    else:
        refuse_placeholder(name, file)


def fit(picture: Image.Image, size: int) -> np.ndarray:
    """The middle of a picture, scaled so that its smaller side is `size`.

    As `center_crop_arr` of Improved DDPM (github.com/openai/improved-diffusion, image_datasets.py):
    halved by the mean of 2 x 2 pixels while the smaller side is at least twice `size`, then scaled
    with a bicubic filter, then cropped. A picture of that very size is not changed. Of one that is
    more than eight times as long as wide, all but the middle is cut off first, which saves memory.

    Args:
        picture: of mode RGB.
        size: pixels of a side.

    Returns:
        uint8 [3, size, size].
    """
    picture = _shortened(picture)
    while min(picture.size) >= 2 * size:
        picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    scale = size / min(picture.size)
    sides = (round(picture.width * scale), round(picture.height * scale))
    left, top = ((side - size) // 2 for side in sides)
    pixels = np.asarray(picture.resize(sides, Image.Resampling.BICUBIC))
    return pixels[top : top + size, left : left + size].transpose(2, 0, 1)


def _shortened(picture: Image.Image) -> Image.Image:
    longest = _LONGEST * min(picture.size)
    if max(picture.size) <= longest:
        return picture
    # Longer by one where the rest is odd, so that as much is cut off at both ends.
    width, height = (min(side, longest + (side - longest) % 2) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _cores() -> int:
    """Cores that this job may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
