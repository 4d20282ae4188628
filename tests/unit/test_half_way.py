"""Half-way points: recovered from known curves, and declined where a curve does not get there."""

import numpy as np
import pytest

from pipeline.analysis.half_way import crossing, half_way

SIZES = 2.0 ** np.arange(5, 17)


def sigmoid(x, half, slope, chance, top=1.0):
    return chance + (top - chance) / (1 + (x / half) ** -slope)


def found(values, chance, ceiling=1.0, x=SIZES):
    return half_way(np.asarray(x, float), np.asarray(values, float), chance, ceiling, 0.95)


@pytest.mark.parametrize("half", [100.0, 1000.0, 8000.0])
@pytest.mark.parametrize("slope", [0.7, 1.5, 4.0])
@pytest.mark.parametrize("chance", [0.0, 0.25, 0.6])
@pytest.mark.parametrize("share", [1.0, 0.97])
def test_a_known_sigmoid_is_recovered_with_its_top(half, slope, chance, share):
    top = chance + share * (0.9 - chance)
    point = found(sigmoid(SIZES, half, slope, chance, top), chance, ceiling=0.9)
    assert point.status == "inside"
    assert point.threshold == pytest.approx(half, rel=1e-3)
    assert point.top == pytest.approx(top, abs=1e-3)


def test_a_curve_that_still_rises_steeply_at_its_end_is_not_converged():
    """Its last value is 0.7 of the top: how far it would go is an extrapolation."""
    assert found(sigmoid(SIZES, 20_000.0, 0.7, 0.0), 0.0).status == "not converged"


def test_a_top_below_the_ceiling_does_not_shift_the_point():
    """A sigmoid whose top was held at the ceiling would have it late by more than a tenth."""
    curve = sigmoid(SIZES, 900.0, 1.0, 0.0, 0.955)
    assert found(curve, 0.0).threshold == pytest.approx(900, rel=1e-3)


@pytest.mark.parametrize("top", [0.93, 0.86, 0.63])
def test_what_levels_off_too_low_is_not_converged_and_has_no_point(top):
    point = found(sigmoid(SIZES, 900.0, 1.5, 0.0, top), 0.0)
    assert point.status == "not converged"
    assert np.isnan(point.threshold)
    assert point.top == pytest.approx(top, abs=1e-3)


def test_a_noisy_curve_has_its_point_nearby():
    rng = np.random.default_rng(0)
    accuracy = sigmoid(SIZES, 900.0, 1.5, 0.25) + rng.normal(0, 0.01, len(SIZES))
    assert found(accuracy, 0.25).threshold == pytest.approx(900, rel=0.1)


@pytest.mark.parametrize(("half", "status"), [(4.0, "below"), (1e6, "above")])
def test_a_point_outside_the_range_has_a_side_and_no_number(half, status):
    point = found(sigmoid(SIZES, half, 1.0, 0.2), 0.2)
    assert point.status == status
    assert np.isnan(point.threshold)


@pytest.mark.parametrize(
    ("accuracy", "status"),
    [
        ([0.25, 0.25, 0.25, 0.25], "above"),
        ([1.0, 1.0, 1.0, 1.0], "below"),
        ([0.25, 0.25, 0.5, 0.51], "above"),
        ([0.7, 0.75, 0.9, 1.0], "below"),
        ([0.25, 0.3, 0.7, 0.7], "not converged"),
        ([0.25, 0.25, 0.25, 1.0], "inside"),
        ([0.25, 1.0, 1.0, 1.0], "inside"),
    ],
)
def test_short_curves(accuracy, status):
    assert found(accuracy, 0.25, x=[32, 64, 128, 256]).status == status


def test_what_falls_crosses_a_height_linearly_in_log():
    x, values = np.array([10.0, 100.0, 1000.0]), np.array([3.0, 2.0, 0.0])
    assert crossing(x, values, 1.0).threshold == pytest.approx(10**2.5)
    assert crossing(x, values, 2.5).threshold == pytest.approx(10**1.5)
    assert crossing(x, values, 1.0).status == "inside"


@pytest.mark.parametrize(
    ("values", "status"), [([0.5, 0.4, 0.1], "below"), ([3.0, 0.5, 2.0], "above")]
)
def test_what_has_fallen_before_or_rises_again_has_no_crossing(values, status):
    point = crossing(np.array([1.0, 2.0, 4.0]), np.array(values), 1.0)
    assert point.status == status
    assert np.isnan(point.threshold)


def test_the_last_crossing_counts():
    x, values = np.array([1.0, 2.0, 4.0, 8.0]), np.array([3.0, 0.5, 2.0, 0.0])
    assert crossing(x, values, 1.0).threshold == pytest.approx(4 * 2**0.5)
