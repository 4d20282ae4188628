"""How near generated images come to training images, and which of them are copies."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.image.estimators.standardise import Standard, chunks
from pipeline.measurement.estimate import ImageRow

_ROUNDING = 1e-7
"""A distance below this, in every standardised channel, is no more than rounding."""


@dataclass(frozen=True)
class NearestImages:
    """Distances of images to the nearest training image, over those to the nearest held-out one.

    Attributes:
        ratios: of generated images, [N]; near 0 for copies, and about 1 for new images where there
            are as many held-out images as training images.
        real: the same of real images that were held out, [M].
        copied: images with a smaller ratio than nearly all real ones have, bool [N].
    """

    ratios: np.ndarray
    real: np.ndarray
    copied: np.ndarray

    @classmethod
    def of(
        cls, samples: np.ndarray, training: np.ndarray, held_out: np.ndarray, real_copies: float
    ) -> "NearestImages":
        """Compare features of one layer, standardised by those of real images.

        Args:
            samples: of generated images, [N, C].
            training: of the training set, [P, C].
            held_out: of real images in random order, [M', C]: half of them are what distances to
                training images are compared with, the other half shows what is usual.
            real_copies: share of real images that may count as copies.
        """
        standard = Standard.of(held_out)
        theirs, half = standard.apply(training), len(held_out) // 2
        others, usual = (standard.apply(part) for part in (held_out[:half], held_out[half:]))
        ratios, real = (
            _nearest(images, theirs) / _nearest(images, others)
            for images in (standard.apply(samples), usual)
        )
        # "lower" gives one of the ratios, so that at most this share of the real ones is below it.
        return cls(ratios, real, ratios < np.quantile(real, real_copies, method="lower"))

    def rows(self, layer: int) -> Iterator[ImageRow]:
        """Rows of mean ratios, of generated and of real images, and of the share of copies."""
        for name, values in (
            ("nearest_training_ratio", self.ratios),
            ("real_nearest_training_ratio", self.real),
            ("copied_fraction", self.copied),
        ):
            error = float(values.std(ddof=1) / np.sqrt(len(values)))
            yield ImageRow(name, float(values.mean()), error, len(values), layer=layer)


def _nearest(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of each image to the nearest of the others, [N], at least what rounding leaves.

    So an image that is among the training images and among the others as well is at a ratio of 1.
    """
    squares = np.square(others).sum(axis=1)
    found = [
        (squares - 2 * images[part] @ others.T).min(axis=1) + np.square(images[part]).sum(axis=1)
        for part in chunks(len(images), len(others))
    ]
    return np.sqrt(np.maximum(np.concatenate(found), _ROUNDING**2 * images.shape[1]))
