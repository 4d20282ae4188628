"""The power spectrum of waves, of noise, and its sum."""

import numpy as np
import pytest

from pipeline.image.estimators.pixels import as_tokens, white_noise
from pipeline.image.estimators.power_spectrum import power_rows, ring_powers

SIDE = 16


def test_a_plane_wave_has_power_at_its_frequency_only():
    place = np.arange(SIDE)
    wave = np.cos(2 * np.pi * (3 * place[:, None] + 4 * place) / SIDE)
    powers = ring_powers(np.broadcast_to(wave, (1, 3, SIDE, SIDE)))[0]
    assert np.flatnonzero(powers > 1e-12).tolist() == [5 - 1]
    ring = sum(round(np.hypot(i, j)) == 5 for i in range(-8, 8) for j in range(-8, 8))
    assert powers[4] == pytest.approx(0.5 * SIDE**2 / ring)  # mean square 1/2


def test_powers_add_up_to_the_mean_square_of_what_has_no_corners():
    """Parseval; waves of random phase at all frequencies below s / 2."""
    random = np.random.default_rng(0)
    along = np.fft.fftfreq(SIDE, 1 / SIDE)
    lengths = np.hypot(along[:, None], along)
    spectrum = np.fft.fft2(random.normal(size=(5, 3, SIDE, SIDE)))
    numbers = np.fft.ifft2(spectrum * (lengths < 8) * (lengths > 0)).real
    modes = [(np.rint(lengths) == k).sum() for k in range(1, 9)]
    total = (ring_powers(numbers) * modes).sum(axis=1) / SIDE**2
    assert total == pytest.approx(np.square(numbers).mean(axis=(1, 2, 3)))


def test_white_noise_has_its_variance_at_every_frequency():
    numbers = 2 * np.random.default_rng(0).normal(size=(400, 3, SIDE, SIDE))
    assert ring_powers(numbers).mean(axis=0) == pytest.approx(np.full(8, 4.0), rel=0.05)


def test_the_mean_of_an_image_makes_no_difference():
    numbers = np.random.default_rng(0).normal(size=(4, 3, SIDE, SIDE))
    assert ring_powers(numbers + 3) == pytest.approx(ring_powers(numbers))


def test_rows_are_means_over_images_with_their_errors(monkeypatch):
    tokens = white_noise(50, 3 * SIDE**2, key=1)
    powers = ring_powers(tokens.reshape(50, 3, SIDE, SIDE) / 127.5 - 1)
    monkeypatch.setattr("pipeline.image.estimators.standardise._NUMBERS", 7 * 3 * SIDE**2)
    rows = list(power_rows(tokens))
    assert [row.frequency for row in rows] == list(range(1, 9))
    for ring, row in enumerate(rows):
        assert row.estimate == pytest.approx(powers[:, ring].mean())
        assert row.standard_error == pytest.approx(powers[:, ring].std(ddof=1) / 50**0.5)
    [row] = {row.count for row in rows}
    assert row == 50


def test_tokens_of_grey_are_in_the_middle():
    assert as_tokens(np.array([-1.0, 1.0, -3.0, 3.0])).tolist() == [0, 255, 0, 255]
