"""Times at which distances have fallen, on curves whose times are known."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.convergence import (
    converge,
    convergence_times,
    last_crossing,
    relative_distances,
)
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from tests.unit.settings_case import BARE, spec_of

STEPS = np.array([1, 10, 100, 1000])
REAL, NOISE = 0.5, 4.5


def row(value, layer=2, kernel="energy", error=0.0, **more):
    quantity = "mmd" if kernel else "frechet"
    base = {"setting": "x", "layer": layer, "quantity": quantity, "kernel": kernel}
    return base | {"estimate": value, "standard_error": error} | more


def controls(error=0.0, **where):
    return pd.DataFrame(
        [
            row(value, error=error, control=name, **where)
            for name, value in (("real", REAL), ("noise", NOISE), ("blocks", 99))
        ]
    )


def network(values, seed=0, error=0.0, **where):
    place = {"data_seed": 0, "network_seed": seed, "dataset_size": "online", "average": 0.9}
    return [
        row(REAL + value * (NOISE - REAL), error=error, step=step, **place, **where)
        for step, value in zip(STEPS, values, strict=True)
    ]


def test_distances_are_relative_to_both_controls():
    found = relative_distances(pd.DataFrame(network([1, 0.5, 0.2, -0.1])), controls())
    assert found["estimate"].tolist() == pytest.approx([1, 0.5, 0.2, -0.1])
    assert (found["standard_error"] == 0).all()


def test_errors_are_those_of_drawn_distances():
    random = np.random.default_rng(0)
    frame = relative_distances(
        pd.DataFrame(network([0.9, 0.4, 0.1, 0], error=0.05)), controls(error=0.04)
    )
    real, noise = (v + 0.04 * random.normal(size=40_000) for v in (REAL, NOISE))
    for value, error in zip([0.9, 0.4, 0.1, 0], frame["standard_error"], strict=True):
        distance = REAL + value * (NOISE - REAL) + 0.05 * random.normal(size=40_000)
        assert ((distance - real) / (noise - real)).std() == pytest.approx(error, rel=0.03)


@pytest.mark.parametrize(
    ("values", "fraction", "expected", "status"),
    [
        ([1, 0.5, 0, 0], 0.25, 10**1.5, "inside"),
        ([1, 0.9, 0.8, 0.2], 0.5, 100 * 10**0.5, "inside"),
        ([1, 0.4, 0.8, 0.2], 0.5, 100 * 10**0.5, "inside"),  # the dip before is not for good
        ([0.4, 0.9, 0.1, 0.3], 0.5, 10**1.5, "inside"),
        ([0.4, 0.3, 0.2, 0.1], 0.5, 1, "below"),
        ([1, 0.9, 0.8, 0.7], 0.5, 1000, "above"),
        ([1, 0.1, 0.1, 0.7], 0.5, 1000, "above"),
        ([0.1, 0.1, 0.1, 0.7], 0.5, 1000, "above"),
    ],
)
def test_a_curve_crosses_where_it_falls_below_for_good(values, fraction, expected, status):
    crossed, found = last_crossing(STEPS, np.array([values, values]), fraction)
    assert crossed.tolist() == pytest.approx([expected] * 2)
    assert found.tolist() == [status] * 2


def test_every_curve_has_its_time_for_every_fraction(tmp_path):
    curves = [*network([1, 0.5, 0, 0]), *network([1, 1, 0.5, 0], seed=1)]
    curves += network([1, 1, 1, 0.9], layer=7) + network([0.1] * 4, kernel=None)
    curves += [row(1.0, step=1) | {"quantity": "power"}]
    marks = [controls(), controls(layer=7), controls(kernel=None)]
    paths = {name: tmp_path / f"{name}.parquet" for name in ("measurements", "calibration")}
    for (name, path), frame in zip(
        paths.items(), (pd.DataFrame(curves), pd.concat(marks)), strict=True
    ):
        tables.write_table(path, frame, make_stamp(name, BARE, {}))
    spec = spec_of("converge", "image", {"fractions": [0.25, 0.75], "bootstrap_samples": 100})
    converge(spec, *paths.values(), tmp_path / "convergence.parquet")
    found = tables.read_table(tmp_path / "convergence.parquet", "convergence")
    assert len(found) == 4 * 2
    curve = found[(found["quantity"] == "mmd") & (found["layer"] == 2)]
    curve = curve.set_index(["network_seed", "fraction"])["estimate"]
    assert curve[0].tolist() == pytest.approx([10**1.5, 10**0.5])
    assert curve[1].tolist() == pytest.approx([10**2.5, 10**1.5])
    assert found[found["layer"] == 7]["status"].tolist() == ["above"] * 2
    assert found[found["quantity"] == "frechet"]["status"].tolist() == ["below"] * 2
    assert (found["low"] == found["estimate"]).all()  # without errors there is nothing to draw
    assert (found["high"] == found["estimate"]).all()


def test_intervals_cover_the_time():
    """A curve that is linear in log step, measured again and again with errors."""
    random, covered, widths = np.random.default_rng(0), [], []
    truth = np.array([1, 0.7, 0.3, 0])
    for trial in range(200):
        drawn = truth + 0.03 * random.normal(size=4)
        marks = controls(error=0.1)
        marks["estimate"] += 0.1 * random.normal(size=3)
        curve = pd.DataFrame(network(drawn, seed=trial, error=0.03 * (NOISE - REAL)))
        [found] = convergence_times(curve, marks, [0.5], 200).to_dict("records")
        covered.append(found["low"] <= 10**1.5 <= found["high"])
        widths.append(found["high"] / found["low"])
    assert 0.9 < np.mean(covered) < 0.99
    assert np.mean(widths) < 2.5


def test_intervals_end_where_the_checkpoints_do():
    curve = pd.DataFrame(network([0.5, 0.5, 0.5, 0.51], error=0.5))
    [found] = convergence_times(curve, controls(), [0.5], 200).to_dict("records")
    assert found["status"] == "above"
    assert (found["low"], found["high"]) == (1, 1000)


@pytest.mark.parametrize("control", ["real", "noise"])
def test_errors_of_either_control_widen_the_interval(control):
    """On a line from 1 at step 1 to 0 at step 1000, relative distance is 1 - log10(step) / 3."""
    marks = controls()
    marks.loc[marks["control"] == control, "standard_error"] = 0.2
    curve = pd.DataFrame(network([1, 2 / 3, 1 / 3, 0]))
    [found] = convergence_times(curve, marks, [0.5], 2000).to_dict("records")
    width = np.log10(found["high"] / found["low"])
    assert width == pytest.approx(3 * 2 * 1.96 * 0.5 * 0.2 / (NOISE - REAL), rel=0.1)
