"""Where a number is not defined, none is given: single strings, equal images, grammars of all."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.convergence import convergence_times, relative_distances
from pipeline.analysis.memorization import learning_times
from pipeline.claims.coherence import growth_with_time
from pipeline.image.estimators.nearest_images import NearestImages
from pipeline.measurement.estimate import jackknife_error, ratio
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.measure import observe
from pipeline.rhm.settings import Measurement
from pipeline.training.evaluation import noise_bins
from tests.unit.claims_case import RULES
from tests.unit.conftest import language
from tests.unit.test_claims_of_samples import tables_of
from tests.unit.test_convergence import controls, network
from tests.unit.test_memorization import measurements

SETTINGS = Measurement(
    jackknife_blocks=8, random_halves=2, bootstrap_samples=100, largest_error=0.25
)


def test_trials_of_a_single_string_have_no_error():
    estimate, error, count = ratio(np.array([0, 3, 0]), np.array([0, 4, 0]))
    assert (estimate, count) == (0.75, 4)
    assert np.isnan(error)


def test_a_single_block_has_no_error():
    assert np.isnan(jackknife_error(np.array([[0.5, 0.25]]))).all()
    assert np.isnan(jackknife_error(np.array([0.5])))


def test_a_single_string_in_a_bin_of_noise_has_no_error():
    noise = UniformNoise(2, alpha_bar("linear_alpha_bar", 10))
    (_, _, mean, error, count), *bins = noise_bins(noise, np.arange(4.0))
    assert (mean, count, error) == (1.5, 4, pytest.approx(np.arange(4.0).std() / 2))
    assert [(row[4], np.isnan(row[3])) for row in bins] == [(1, True)] * 4


@pytest.mark.parametrize("symbols", [2, 3, 5, 6])
def test_where_all_tuples_are_valid_nothing_correlates_and_no_ratio_is_defined(symbols):
    """What rounding leaves of exact correlations must not be divided by."""
    found = language(symbols, symbols, 2, 1, 0)
    samples = np.random.default_rng(0).integers(0, symbols, size=(64, 2)).astype(np.uint8)
    splits = dict.fromkeys(("training", "validation", "test"), found.strings.astype(np.uint8))
    splits |= {name: np.tile(splits[name], (16, 1)) for name in ("validation", "test")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = list(observe(found.grammar, {"tokens": samples}, splits, SETTINGS))
    projected = [r for r in rows if r.quantity in ("correlation_ratio", "coherence_length")]
    projected = [r for r in projected if r.distance is None and r.among == "all"]
    assert len(projected) == 2
    assert np.isnan([(r.estimate, r.standard_error) for r in projected]).all()


def test_images_that_are_among_all_real_ones_spoil_no_share_of_copies():
    """Photographs that were put in twice must not hide that all samples are copies."""
    random = np.random.default_rng(0)
    training, held_out = random.standard_normal((2, 100, 5))
    held_out[:20] = held_out[-20:] = training[:20]
    found = NearestImages.of(training[30:50], training, held_out, 0.05)
    assert found.copied.all()
    assert np.isfinite(found.real).all()
    assert (found.real[-20:] == 1).all()


@pytest.mark.parametrize("spoilt", ["noise nearer than real images", "an unknown distance"])
def test_curves_without_relative_distances_have_no_times(spoilt):
    good, bad = network([1, 0.5, 0.2, 0.0]), network([1, 0.5, 0.2, 0.0], layer=3)
    real = pd.concat([controls(), controls(layer=3)])
    if spoilt == "an unknown distance":
        bad[1]["estimate"] = np.nan
    else:
        away = (real["layer"] == 3) & (real["control"] == "noise")
        real.loc[away, "estimate"] = 0.1
    times = convergence_times(pd.DataFrame(good + bad), real, [0.3], 100)
    assert times["layer"].tolist() == [2]
    assert set(relative_distances(pd.DataFrame(good + bad), real)["layer"]) == {2}


@pytest.mark.parametrize("domain", ["text", "image"])
def test_networks_with_a_single_length_have_no_slope(domain):
    frame = tables_of(domain, 0.0, 0.5)["measurements"]
    other = frame[(frame["network_seed"] == 0) & (frame["step"] == frame["step"].max())]
    both = pd.concat([frame, other.assign(setting="of one step")])
    alone, found = (
        growth_with_time({"measurements": table}, RULES, 0, domain=domain)
        for table in (frame, both)
    )
    assert found.estimate == pytest.approx(alone.estimate)
    assert found.replicas == alone.replicas


@pytest.mark.parametrize("ceiling", [0.4, np.nan])
def test_levels_that_cannot_be_told_from_chance_have_no_time(ceiling):
    frame = measurements(sizes=(8,), seeds=(0,))
    accuracy = frame["quantity"] == "node_accuracy"
    frame["ceiling"] = frame["ceiling"].mask(accuracy & (frame["level"] == 1), ceiling)
    found = learning_times(frame, 0.95)
    assert found["level"].dropna().tolist() == [2]
