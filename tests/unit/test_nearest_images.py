"""Distances to the nearest training image, against brute force, and which images are copies."""

import numpy as np
import pytest

from pipeline.image.estimators.nearest_images import NearestImages
from pipeline.image.estimators.standardise import Standard

CHANNELS = 6


def images(count, seed):
    scale = np.arange(1, CHANNELS + 1)
    return np.random.default_rng(seed).standard_normal((count, CHANNELS)) * scale + 3


def found(samples, training=None):
    training = images(150, 1) if training is None else training
    return NearestImages.of(samples, training, images(300, 2), 0.01)


def nearest(one, others):
    return min(np.linalg.norm(one - other) for other in others)


def test_ratios_are_those_of_brute_force():
    training, held_out, samples = images(20, 1), images(40, 2), images(10, 3)
    result = NearestImages.of(samples, training, held_out, 0.1)
    standard = Standard.of(held_out)
    ours, theirs, real = (standard.apply(x) for x in (samples, training, held_out))
    expected = [nearest(x, theirs) / nearest(x, real[:20]) for x in ours]
    assert result.ratios == pytest.approx(expected)
    expected = [nearest(x, theirs) / nearest(x, real[:20]) for x in real[20:]]
    assert result.real == pytest.approx(expected)


def test_copies_are_found_and_new_images_are_none():
    samples, training = images(100, 3), images(150, 1)
    samples[:40] = training[:40] + 0.05 * np.random.default_rng(4).standard_normal((40, CHANNELS))
    result = found(samples, training)
    assert result.copied[:40].all()
    assert result.copied[40:].mean() < 0.05
    rows = {row.quantity: row for row in result.rows(7)}
    assert rows["copied_fraction"].estimate == pytest.approx(result.copied.mean())
    assert rows["nearest_training_ratio"].estimate < rows["real_nearest_training_ratio"].estimate
    assert {row.layer for row in rows.values()} == {7}


def test_of_real_images_as_many_count_as_copies_as_may():
    result = found(images(2000, 5))
    assert result.copied.mean() == pytest.approx(0.01, abs=0.01)


def test_an_exact_copy_has_no_distance():
    training = images(150, 1)
    assert found(training[:5], training).ratios == pytest.approx(0, abs=1e-6)
