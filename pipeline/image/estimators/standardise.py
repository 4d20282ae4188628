"""Features in units of their spread over real images."""

from dataclasses import dataclass

import numpy as np

from pipeline.base.errors import PipelineError

_NUMBERS = 1 << 22
"""Numbers that are held at once as float64: 32 MB."""
_ROUNDING = 1e-6
"""A spread below this share of the mean is no more than rounding."""


@dataclass(frozen=True)
class Standard:
    """What features are centred by, place by place, and scaled by, channel by channel.

    Attributes:
        kept: channels that vary at all, bool [C].
        mean: of these at each place, [K, ...].
        scale: root of their variance over images, averaged over places, [K, 1...].
    """

    kept: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Standard":
        """Standard of the features of real images, [M, C, ...].

        Raises:
            PipelineError: no channel varies from image to image.
        """
        parts = chunks(len(features), features[0].size)
        mean = sum(features[part].sum(axis=0, dtype=float) for part in parts) / len(features)
        squares = sum(np.square(features[part] - mean).sum(axis=0) for part in parts)
        variance, size = squares / (len(features) - 1), mean.reshape(len(mean), -1)
        scale = np.sqrt(variance.reshape(size.shape).mean(axis=1))
        kept = scale > _ROUNDING * np.abs(size).max(axis=1)
        if not kept.any():
            raise PipelineError(
                "domains.image.encoder.layers: features of a layer are the same for all real "
                "images; choose another layer or encoder"
            )
        return cls(kept, mean[kept], scale[kept].reshape(-1, *[1] * (mean.ndim - 1)))

    def apply(self, features: np.ndarray) -> np.ndarray:
        """Standardised features, [N, C, ...] to float64 [N, K, ...]."""
        return (features[:, self.kept] - self.mean) / self.scale


def chunks(count: int, size: int) -> list[slice]:
    """Runs of `count` items of `size` numbers each that are few enough to be held at once."""
    step = max(1, _NUMBERS // size)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
