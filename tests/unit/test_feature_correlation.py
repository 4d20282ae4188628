"""Correlations of feature maps against brute force, and against shares that can be counted."""

import numpy as np
import pytest

from pipeline.base.randomness import stream_key
from pipeline.image.estimators.feature_correlation import Reference, correlation_rows, map_distances
from pipeline.measurement.coherence import resampling_weights
from pipeline.measurement.estimate import block_numbers
from pipeline.measurement.exchange_blocks import exchange_blocks
from pipeline.measurement.settings import Errors

SETTINGS = Errors(jackknife_blocks=8, bootstrap_samples=100, largest_error=0.25).model_copy(
    update={"jackknife_blocks": 4}
)


def smooth(seed, count, channels=2, side=4):
    """Maps whose neighbours correlate, each channel in its own way."""
    noise = np.random.default_rng(seed).normal(size=(count, channels, side, side))
    for channel in range(channels):
        weight = 0.4 + 0.4 * channel / channels
        for axis in (1, 2):
            noise[:, channel] += weight * np.roll(noise[:, channel], 1, axis)
    return noise + np.linspace(0, 3, side)


def constant(seed, count, channels=3, side=8):
    """Images of one colour each: perfectly correlated at any distance."""
    colours = np.random.default_rng(seed).normal(size=(count, channels, 1, 1))
    return np.broadcast_to(colours, (count, channels, side, side))


def measured(reference, maps, size=None, **settings):
    size = maps.shape[-1] if size is None else size
    rows = correlation_rows(reference, maps, size, 2, SETTINGS.model_copy(update=settings))
    found = {}
    for row in rows:
        assert (row.layer, row.count) == (2, len(maps))
        found.setdefault(row.quantity, {})[row.distance] = row
    return found


def standardised(maps, reference):
    mean = reference.mean(axis=0)
    return (maps - mean) / np.sqrt(reference.var(axis=0, ddof=1).mean(axis=(1, 2)))[:, None, None]


def brute_force(maps, distance):
    """K(r) pair by pair, [C, C], with the covariance of numpy."""
    side, pairs = maps.shape[-1], []
    for i in range(side):
        for j in range(side):
            for k, l in ((i + distance, j), (i, j + distance)):  # noqa: E741
                if max(k, l) < side:
                    both = np.cov(maps[:, :, i, j], maps[:, :, k, l], rowvar=False)
                    pairs.append(both[: maps.shape[1], maps.shape[1] :])
    return np.mean(pairs, axis=0)


def test_correlations_and_ratios_agree_with_brute_force():
    real, generated = smooth(0, 21), smooth(1, 14) * 1.3
    found = measured(Reference.of(real, 4), generated, size=8)
    x, y = standardised(generated, real), standardised(real, real)
    scale = np.trace(brute_force(y, 0))
    assert scale == pytest.approx(2)
    for r in (0, 1, 2):
        expected = np.trace(brute_force(x, r)) / scale
        assert found["feature_correlation"][2 * r].estimate == pytest.approx(expected)
    for r in (1, 2):
        along = brute_force(y[:10], r)
        expected = (brute_force(x, r) * along).sum() / (brute_force(y[10:], r) * along).sum()
        assert found["correlation_ratio"][2 * r].estimate == pytest.approx(expected)
    assert 0 not in found["correlation_ratio"]


def test_errors_are_of_blocks_left_out():
    real, generated = smooth(0, 21), smooth(1, 14)
    row = measured(Reference.of(real, 4), generated)["feature_correlation"][1]
    x, y = standardised(generated, real), standardised(real, real)
    ratio = lambda a, b: np.trace(brute_force(a, 1)) / np.trace(brute_force(b, 0))  # noqa: E731
    variance = 0
    for maps, value in ((x, lambda z: ratio(z, y)), (y, lambda z: ratio(x, z))):
        block = block_numbers(len(maps), 4)
        left_out = np.array([value(maps[block != b]) for b in range(4)])
        variance += 3 / 4 * np.square(left_out - left_out.mean()).sum()
    assert row.standard_error == pytest.approx(variance**0.5)


def test_replicates_repeat_whole_blocks_of_both_sets():
    """With images repeated, n / (n - 1) becomes 1 / (1 - sum of squared shares)."""
    real, generated = smooth(0, 20), smooth(1, 14)
    row = measured(Reference.of(real, 4), generated)["correlation_ratio"][1]
    x, y = standardised(generated, real), standardised(real, real)
    along, values = brute_force(y[:10], 1), []
    names = ("generated", "real")
    drawn = [resampling_weights(100, 4, stream_key("feature_correlation", n)) for n in names]
    for ours, theirs in zip(*(weights.astype(int) for weights in drawn), strict=True):
        sides = []
        for maps, times in ((x, ours), (y[10:], theirs)):
            repeats = times[block_numbers(len(maps), 4)]
            number, share = repeats.sum(), np.square(repeats).sum() / repeats.sum() ** 2
            plain = brute_force(np.repeat(maps, repeats, axis=0), 1) * (number - 1) / number
            sides.append((plain * along).sum() / (1 - share))
        values.append(sides[0] / sides[1])
    assert row.standard_error == pytest.approx(np.std(values))


def test_ratios_of_exchanged_blocks_are_the_share_of_pairs_within_one():
    reference = Reference.of(constant(0, 600), 4)
    real = constant(1, 600)
    whole = measured(reference, real)["correlation_ratio"]
    for length in (1, 2, 4, 8):
        found = measured(reference, exchange_blocks(real, length, 5))
        for r in (1, 2, 3, 4):
            same = [p // length == (p + r) // length for p in range(8 - r)]
            row = found["correlation_ratio"][r]
            noise = 5 * row.standard_error / 8
            expected = np.mean(same) * whole[r].estimate
            assert row.estimate == pytest.approx(expected, abs=max(noise, 0.02))
        [length_row] = found["equivalent_block_length"].values()
        assert length_row.estimate == pytest.approx(length, rel=0.1)
        assert length_row.low <= length <= length_row.high
        assert length_row.status == "resolved"


def falling(seed, length, count=2000, side=8):
    """Maps whose correlation at distance r is 1 - r / length along either axis."""
    places = np.arange(side)
    root = np.linalg.cholesky(1 - np.abs(np.subtract.outer(places, places)) / length)
    return root @ np.random.default_rng(seed).normal(size=(count, 1, side, side)) @ root.T


def test_lengths_go_on_beyond_half_an_image_and_beyond_that_of_real_ones():
    """If K(r) is 1 - r / 8 of real images and 1 - r / b of others, R(r) (1 - r / 8) = 1 - r / b."""
    reference = Reference.of(falling(0, 8), 16)
    for length in (5, 8, 12):
        maps = falling(length, length)
        [row] = measured(reference, maps, jackknife_blocks=16)["equivalent_block_length"].values()
        assert row.estimate == pytest.approx(length, rel=0.15)
        assert row.low < length < row.high
        assert row.status == "resolved"
    maps = constant(2, 2000, channels=1)
    [row] = measured(reference, maps, jackknife_blocks=16)["equivalent_block_length"].values()
    assert (row.estimate, row.status) == (16, "at least")


def test_distances_are_resolved_by_the_errors_of_the_ratios_themselves():
    """The error of R(3) counts, not that of R(3) (1 - 3 / 8)."""
    reference, maps = Reference.of(falling(0, 8), 16), falling(1, 8)
    found = measured(reference, maps, jackknife_blocks=16)
    errors = [row.standard_error for row in found["correlation_ratio"].values()]
    assert errors[2] * 5 / 8 < max(errors[:2]) < 0.99 * errors[2]
    lengths = []
    for largest_error in (max(errors[:2]), 0.99 * errors[2], 1.01 * errors[2]):
        settings = {"jackknife_blocks": 16, "largest_error": largest_error}
        [row] = measured(reference, maps, **settings)["equivalent_block_length"].values()
        lengths.append(row.estimate)
    assert lengths[0] == lengths[1] != lengths[2]


def test_estimates_are_unbiased_however_few_the_images():
    """Three images of a kind whose correlation at distance 1 is known: half of the variance."""
    reference = Reference.of(_moving_average((0, 0), 4000), 4)
    draws = [
        measured(reference, _moving_average((1, seed), 3), jackknife_blocks=3)
        for seed in range(1500)
    ]
    for quantity, expected in (("feature_correlation", 0.25), ("correlation_ratio", 1.0)):
        estimates = np.array([draw[quantity][1].estimate for draw in draws])
        assert abs(estimates.mean() - expected) < 4 * estimates.std() / 1500**0.5 + 0.02
        assert estimates.std() / 1500**0.5 < 0.04


def _moving_average(seed, count):
    """Correlation 1/2 at distance 1 along one axis, none along the other."""
    noise = np.random.default_rng(seed).normal(size=(count, 1, 4, 5))
    return noise[..., 1:] + noise[..., :-1]


def test_intervals_of_the_ratio_cover_it():
    pulls = []
    for seed in range(60):
        reference = Reference.of(smooth((seed, 0), 400), 16)
        row = measured(reference, smooth((seed, 1), 200), jackknife_blocks=16)["correlation_ratio"][
            1
        ]
        pulls.append((row.estimate - 1) / row.standard_error)
    assert abs(np.mean(pulls)) < 4 / 60**0.5
    assert 0.7 < np.std(pulls) < 1.4


def test_results_do_not_depend_on_how_many_maps_are_held_at_once(monkeypatch):
    real, generated = smooth(0, 40), smooth(1, 30)
    whole = measured(Reference.of(real, 4), generated, largest_error=2)
    monkeypatch.setattr("pipeline.image.estimators.standardise._NUMBERS", 100)
    parts = measured(Reference.of(real, 4), generated, largest_error=2)
    for quantity, rows in whole.items():
        for distance, row in rows.items():
            assert parts[quantity][distance].estimate == pytest.approx(row.estimate)
            assert parts[quantity][distance].standard_error == pytest.approx(row.standard_error)


@pytest.mark.parametrize(
    ("side", "distances"), [(1, []), (2, [1]), (8, [1, 2, 3, 4]), (16, [1, 2, 3, 4, 6, 8])]
)
def test_distances_reach_half_of_the_map(side, distances):
    assert map_distances(side) == distances
    assert map_distances(56)[-3:] == [12, 16, 24]


def test_maps_of_a_single_place_have_no_length():
    found = measured(Reference.of(smooth(0, 20, side=1), 4), smooth(1, 20, side=1), size=8)
    assert set(found) == {"feature_correlation", "equivalent_block_length"}
    [row] = found["equivalent_block_length"].values()
    assert np.isnan(row.estimate)
