"""Stage `images`: images of a source, split and kept as strings of pixel values."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np

from pipeline.artifacts import streams
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms
from pipeline.base.spec import Spec
from pipeline.image.dataset.decode import Decoded
from pipeline.image.dataset.sources import read_images
from pipeline.image.settings import ImagesSettings, PackageImages
from pipeline.sources.archives import check_pin
from pipeline.sources.manifests import check_manifest
from pipeline.sources.settings import HubSource, OwnFiles

CHANNELS = 3
"""Red, green and blue."""
_MOST_NAMED, _LONGEST_NAME = 20, 200
"""Corrupt images whose names a stamp has room for, and characters of the ends of these."""
_KEY = "domains.image.data"


def make_images(spec: Spec[ImagesSettings], sources: Sequence[Path], output: Path) -> None:
    """Read images once, and hold some out.

    Memory does not grow with their number. Whether an image is held out is a hash of its number
    in the source, so that one that is corrupt, or mended later, moves no other.

    Args:
        spec: spec of the stage.
        sources: files of the source, as for `read_images`.
        output: safetensors file with `training` [N, d] and `validation` [N, d], uint8, where
            d = 3 size**2 and an image is channel-first, row by row; in its stamp `images`: name,
            description, size, channels, count, held_out, corrupt, names of the first of those
            skipped, and layout; of a user's own directory also the number of files.

    Raises:
        PipelineError: there are no images, too many are corrupt, or one part of them is empty.
    """
    settings = spec.settings
    size = settings.size
    pixels = CHANNELS * size * size
    source, hashes = settings.source, {}
    if isinstance(source, PackageImages):
        hashes = {path.name: check_pin(path, source.sha256) for path in sources}
    if isinstance(source, HubSource):
        check_manifest(sources[0])
    files = {"files": len(sources)} if isinstance(source, OwnFiles) else {}
    stamp = make_stamp("images", spec, hashes)
    reading = _Reading(settings, read_images(source, sources, size))
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=output.parent) as aside, streams.writing(output, stamp) as stream:
        stream.add("training", reading.training(aside), (-1, pixels))
        aside.seek(0)
        stream.add("validation", _rows(aside, pixels), (-1, pixels))
        stamp["inputs"]["pixels"] = reading.digest.hexdigest()
        stamp["images"] = (
            _description(settings) | reading.summary() | files
        )  # known when all were read


class _Reading:
    """One pass over the images of a source."""

    def __init__(self, settings: ImagesSettings, images: Iterator[Decoded]) -> None:
        self._settings = settings
        self._images = images
        self._count = 0
        self._held_out = 0
        self._skipped: list[str] = []
        self.digest = hashlib.sha256()

    def training(self, aside: BinaryIO) -> Iterator[np.ndarray]:
        """Images that are not held out; the others go into a file."""
        seed, fraction = self._settings.split_seed, self._settings.validation_fraction
        key = stream_key(seed, "validation images")
        for number, image in enumerate(self._images):
            if image.pixels is None:
                self._skip(image)
                continue
            self._count += 1
            content = image.pixels.tobytes()
            self.digest.update(content)
            if uniforms(key, number)[0] < fraction:
                self._held_out += 1
                aside.write(content)
            else:
                yield image.pixels.reshape(1, -1)
        self._check()

    def summary(self) -> dict[str, Any]:
        """Numbers of images, of those held out, and of corrupt ones, with names of the last."""
        named = [name[-_LONGEST_NAME:] for name in self._skipped[:_MOST_NAMED]]
        counts = {"count": self._count, "held_out": self._held_out, "corrupt": len(self._skipped)}
        return {**counts, "skipped": named}

    def _skip(self, image: Decoded) -> None:
        print(f"skipping corrupt image {image.name}: {image.flaw}", file=sys.stderr)
        self._skipped.append(image.name)
        most = self._settings.most_corrupt
        if len(self._skipped) > most:
            raise PipelineError(
                f"image {image.name} is corrupt ({image.flaw}), number {len(self._skipped)} of "
                f"such images, but {_KEY}.most_corrupt = {most}; mend or remove them, or raise it"
            )

    def _check(self) -> None:
        if not self._count:
            raise PipelineError(f"{_KEY}.source has no images; correct its files or classes")
        if self._held_out in (0, self._count):
            raise PipelineError(
                f"{_KEY}.validation_fraction = {self._settings.validation_fraction} holds out "
                f"{self._held_out} of {self._count} images; change it or {_KEY}.split_seed, so "
                "that some are held out and some are not, or add images"
            )


def _rows(file: BinaryIO, pixels: int) -> Iterator[np.ndarray]:
    while content := file.read(pixels):
        yield np.frombuffer(content, np.uint8)


def _description(settings: ImagesSettings) -> dict[str, Any]:
    described = settings.model_dump(include={"name", "description", "size"})
    return described | {"channels": CHANNELS, "layout": "channel first"}
