"""Schedules of alpha_bar: end values, and the noise rates that they are made of."""

from inspect import signature

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.noise.schedules import SCHEDULES, alpha_bar
from pipeline.noise.settings import TokenNoise

FIXED = sorted(name for name in SCHEDULES if [*signature(SCHEDULES[name]).parameters] == ["levels"])
"""Schedules without parameters."""
NOISE = {"process": "uniform", "noise_levels": 10, "mixture": "exact"}


@pytest.mark.parametrize("schedule", FIXED)
@pytest.mark.parametrize("levels", [2, 10, 1000])
def test_alpha_bar_falls_from_one_and_has_one_value_per_level(schedule, levels):
    values = alpha_bar(schedule, levels)
    assert values.shape == (levels + 1,)
    assert values.dtype == np.float64
    assert values[0] == 1
    assert (np.diff(values) <= 0).all()
    assert values[1] < 1
    assert 0 <= values[-1] <= 0.01


def test_a_schedule_that_leaves_much_of_a_string_is_refused_whichever_it_is(monkeypatch):
    for schedule in (
        {"kind": "linear_alpha_bar"},
        {"kind": "linear_beta", "first": 0.1, "last": 0.9},
    ):
        assert TokenNoise.model_validate(NOISE | {"schedule": schedule})
        halved = {schedule["kind"]: lambda levels, **_: np.linspace(1, 0.5, levels + 1)}
        monkeypatch.setattr("pipeline.noise.schedules.SCHEDULES", halved)
        with pytest.raises(ValidationError, match="= 10 with .* leave alpha_bar_T = 0.5 of a"):
            TokenNoise.model_validate(NOISE | {"schedule": schedule})
        monkeypatch.undo()


def test_linear_alpha_bar_is_one_minus_t_over_T():
    assert alpha_bar("linear_alpha_bar", 4).tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert alpha_bar("linear_alpha_bar", 1000)[-1] == 0


def test_ddpm_linear_beta_ends_at_the_known_value_whatever_the_levels():
    values = alpha_bar("ddpm_linear_beta", 1000)
    beta = 1 - values[1:] / values[:-1]
    np.testing.assert_allclose(beta[[0, -1]], [1e-4, 0.02], rtol=1e-6)
    np.testing.assert_allclose(np.diff(beta), (0.02 - 1e-4) / 999, rtol=1e-6)
    assert values[-1] == pytest.approx(4.0358e-5, rel=1e-4)  # Ho et al. 2020, T = 1000
    assert np.log(alpha_bar("ddpm_linear_beta", 4000)[-1]) == pytest.approx(-10.1, abs=0.1)


def test_d3pm_linear_beta_rises_from_0_02_to_1():
    values = alpha_bar("d3pm_linear_beta", 50)
    beta = 1 - values[1:] / values[:-1]
    np.testing.assert_allclose(beta, np.linspace(0.02, 1, 50), rtol=1e-9)
    assert values[-1] == 0


def test_the_cosine_follows_its_formula_until_a_step_is_too_large():
    values = alpha_bar("cosine", 4000)
    angles = (np.arange(4001) / 4000 + 0.008) / 1.008 * np.pi / 2
    np.testing.assert_allclose(values[:-1], (np.cos(angles) / np.cos(angles[0]))[:-1] ** 2)
    assert 1 - values[-1] / values[-2] == pytest.approx(0.999)


def test_the_cosine_changes_little_at_both_ends_and_most_in_the_middle():
    steps = -np.diff(alpha_bar("cosine", 1000))
    assert steps.argmax() == pytest.approx(500, abs=10)
    assert max(steps[0], steps[-1]) < 0.03 * steps.max()


def test_linear_beta_is_the_product_written_out_and_does_not_start_from_one():
    values = alpha_bar("linear_beta", 4, first=0.1, last=0.3)
    assert values == pytest.approx(np.cumprod([0.9, 0.85, 0.8, 0.75, 0.7]))
