"""Power spectrum of pixels, which needs no encoder."""

from collections.abc import Iterator

import numpy as np

from pipeline.image.estimators.pixels import as_numbers, as_pictures
from pipeline.image.estimators.standardise import chunks
from pipeline.measurement.estimate import ImageRow


def power_rows(tokens: np.ndarray) -> Iterator[ImageRow]:
    """Rows of `power` at 1 to s / 2 cycles per image, with standard errors over images.

    Args:
        tokens: images [N, 3 * s * s].
    """
    pictures = as_pictures(tokens)
    parts = chunks(len(pictures), pictures[0].size)
    powers = np.concatenate([ring_powers(as_numbers(pictures[part])) for part in parts])
    errors = powers.std(axis=0, ddof=1) / np.sqrt(len(powers))
    for ring, (mean, error) in enumerate(zip(powers.mean(axis=0), errors, strict=True)):
        yield ImageRow("power", float(mean), float(error), len(powers), frequency=ring + 1)


def ring_powers(numbers: np.ndarray) -> np.ndarray:
    """Mean power of every image at whole frequencies, [N, C, s, s] to [N, s // 2].

    The power |F|^2 / s^2 of the Fourier transform F averages to the mean square of the pixels over
    all s^2 frequencies (Parseval), and is v at each for white noise of variance v. A ring takes the
    frequencies whose length is nearest to a whole number 1 to s / 2; the corners beyond are left
    out, and so is frequency 0, hence the mean of an image makes no difference.
    """
    side = numbers.shape[-1]
    power = np.square(np.abs(np.fft.fft2(numbers))).mean(axis=1) / side**2
    along = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(along[:, None], along)).astype(int)
    return np.stack([power[:, ring == k].mean(axis=1) for k in range(1, side // 2 + 1)], axis=1)
