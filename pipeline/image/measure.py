"""Observables of images: feature distances, correlations and how far they reach, power spectrum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.artifacts import streams
from pipeline.image.estimators import feature_correlation, feature_distance
from pipeline.image.estimators.nearest_images import NearestImages
from pipeline.image.estimators.pixels import as_pictures
from pipeline.image.estimators.power_spectrum import power_rows
from pipeline.image.settings import Measurement, TrainSettings
from pipeline.measurement.estimate import ImageRow

KIND = KNOWN = "features"
TRAINED: type[TrainSettings] = TrainSettings


@dataclass(frozen=True)
class RealImages:
    """What samples are compared with.

    Attributes:
        distances: features of real images, by layer.
        correlations: maps of real images by layer, None for pixels.
        features: of real images, [M, C], by layer.
    """

    distances: dict[int, feature_distance.Reference]
    correlations: dict[int | None, feature_correlation.Reference]
    features: dict[int, np.ndarray]


def load_sources(sources: Sequence[Path], settings: Measurement) -> list[RealImages]:
    """Real images of every replica, from the features of the control `reference`."""
    return [_load(path, settings) for path in sources]


def _load(path: Path, settings: Measurement) -> RealImages:
    tensors = streams.map_tensors(path, KIND).tensors
    features = {name: np.asarray(tensor[0]) for name, tensor in tensors.items()}
    by_layer = _by_layer(features, "layer")
    how, blocks = (settings.kernels, settings.components), settings.jackknife_blocks
    return RealImages(
        {
            layer: feature_distance.Reference.of(found, *how, blocks)
            for layer, found in by_layer.items()
        },
        {
            layer: feature_correlation.Reference.of(maps, blocks)
            for layer, maps in _maps(features).items()
        },
        by_layer,
    )


def observe(
    truth: RealImages,
    generated: Mapping[str, np.ndarray],
    known: Mapping[str, np.ndarray],
    settings: Measurement,
) -> Iterator[ImageRow]:
    """All rows of one replica at one checkpoint, or of a control.

    Args:
        truth: real images.
        generated: `tokens` [N, 3 * s * s], and their features: `layer<k>` [N, C], `map<k>`
            [N, C, h, h].
        known: features of the training set likewise, of one layer; nothing if it is not finite.
        settings: of the stage.
    """
    yield from power_rows(generated["tokens"])
    size = as_pictures(generated["tokens"]).shape[-1]
    for layer, maps in _maps(generated).items():
        correlated = truth.correlations[layer]
        yield from feature_correlation.correlation_rows(correlated, maps, size, layer, settings)
    for layer, features in _by_layer(generated, "layer").items():
        reference = truth.distances[layer]
        yield from feature_distance.distance_rows(
            reference, features, layer, settings.jackknife_blocks
        )
    if known:
        yield from _novel(truth, generated, known, size, settings)


def _novel(
    truth: RealImages, generated: Mapping[str, np.ndarray], known: Mapping[str, np.ndarray],
    size: int, settings: Measurement,
) -> Iterator[ImageRow]:  # fmt: skip
    """Rows of copies, and of how far the features correlate of what is none."""
    ((layer, training),) = _by_layer(known, "layer").items()
    features = _by_layer(generated, "layer")[layer], training, truth.features[layer]
    nearest = NearestImages.of(*features, settings.real_copies)
    yield from nearest.rows(layer)
    novel = ~nearest.copied
    if novel.sum() < 2 * settings.jackknife_blocks:
        return
    for place, maps in _by_layer(generated, "map").items():
        reference = truth.correlations[place]
        for row in feature_correlation.correlation_rows(
            reference, maps[novel], size, place, settings
        ):
            yield replace(row, among="novel_samples")


def _maps(features: Mapping[str, np.ndarray]) -> dict[int | None, np.ndarray]:
    """Pixels and maps of layers, [N, C, h, h] each."""
    return {None: as_pictures(features["tokens"])} | _by_layer(features, "map")


def _by_layer(features: Mapping[str, np.ndarray], kind: str) -> dict[int, np.ndarray]:
    """Tensors named `<kind><layer>` by the number of the layer, in order."""
    named = {int(name.removeprefix(kind)): name for name in features if name.startswith(kind)}
    return {layer: features[named[layer]] for layer in sorted(named)}
