"""Figures of runs too short to show what they are for are drawn all the same, and say so."""

import numpy as np
import pandas as pd
import pytest

from pipeline import tables
from pipeline.analysis.exponents import exponents
from pipeline.analysis.laws import LAWS, compare_laws
from pipeline.analysis.sample_complexity import analyse
from pipeline.figures import rhm_accuracy_vs_training_step, rhm_sample_complexity
from tests.unit.test_exponents import V_M, plain
from tests.unit.test_exponents import thresholds as thresholds_of

SETTINGS = {
    "style": {"palette": "viridis", "width": 3.0},
    "analysis": {"accuracy": "node_accuracy", "among": "all"},
}
REPLICA = {"v": 4, "m": 2, "s": 2, "L": 2, "grammar_seed": 0, "data_seed": 0, "network_seed": 0}


def curves(accuracy, steps):
    """Tables of one replica online and at one dataset size, one row per step and level."""
    rows = [
        {**REPLICA, "dataset_size": size, "step": step, "quantity": "node_accuracy"}
        | {"among": "all", "level": level, "estimate": value, "ceiling": 1.0}
        for size in ("8", "online")
        for step, value in zip(steps, accuracy, strict=True)
        for level in (1, 2)
    ]
    losses = [
        {**REPLICA, "dataset_size": size, "step": step, "split": "validation"}
        | {"noise_low": 0.0, "noise_high": 1.0, "loss": 1.0 / step}
        for size in ("8", "online")
        for step in steps
    ]
    return pd.DataFrame(rows), pd.DataFrame(losses)


def thresholds(tmp_path, accuracy, steps):
    measured, losses = curves(accuracy, steps)
    paths = [tmp_path / f"{name}.parquet" for name in ("measurements", "losses", "out")]
    for path, frame in zip(paths, (measured, losses), strict=False):
        tables.write_table(path, frame, {"kind": path.stem})
    analyse({"settings": SETTINGS["analysis"]}, *paths)
    return measured, tables.read_table(paths[-1], "sample_complexity")


@pytest.mark.parametrize("steps", [(1, 2), (1, 2, 4, 8)])
def test_a_run_that_learns_nothing_has_no_threshold_within_its_range(tmp_path, steps):
    accuracy = np.full(len(steps), 0.51)
    measured, found = thresholds(tmp_path, accuracy, steps)
    assert not (found["status"] == "inside").any()
    figure = rhm_accuracy_vs_training_step.draw(SETTINGS, measured, found)
    assert figure.axes[1].get_title() == "no level is half-way within the run"
    slopes, laws = exponents(found, 50, 1), compare_laws(found, 50, 1)
    figure = rhm_sample_complexity.draw(SETTINGS, found, slopes, laws)
    assert figure.axes[0].get_title() == "slope for levels from 2: not resolved"
    assert figure.axes[1].get_title() == "no grammar to hold out"


def test_a_run_that_learns_has_its_thresholds_drawn(tmp_path):
    measured, found = thresholds(tmp_path, [0.5, 0.55, 0.95, 1.0], (1, 10, 100, 1000))
    (level_1,) = found[(found["variable"] == "step") & (found["level"] == 1)]["threshold"]
    assert 10 < level_1 < 100  # accuracy passes 0.75, half-way from 0.5 to 1, in between
    figure = rhm_accuracy_vs_training_step.draw(SETTINGS, measured, found)
    assert figure.axes[1].get_title() == ""


def test_the_slope_is_that_of_the_exponents_table_and_laws_have_a_bar_each():
    found = thresholds_of(plain, V_M, noise=0.1)
    slopes, laws = exponents(found, 50, 1), compare_laws(found, 50, 1)
    figure = rhm_sample_complexity.draw(SETTINGS, found, slopes, laws)
    (slope,) = slopes[slopes["quantity"] == "law_exponent"]["estimate"]
    assert f"slope for levels from 2: {slope:.2f} [" in figure.axes[0].get_title()
    assert len(figure.axes[1].patches) == len(LAWS)
    assert "exponent of m: " in figure.get_supxlabel()


def test_without_online_training_the_figure_of_steps_is_empty(tmp_path):
    measured, found = thresholds(tmp_path, [0.5, 0.55, 0.95, 1.0], (1, 10, 100, 1000))
    finite = measured[measured["dataset_size"] != "online"]
    by_size = found[found["variable"] == "dataset_size"]
    figure = rhm_accuracy_vs_training_step.draw(SETTINGS, finite, by_size)
    assert not figure.axes[0].lines
    assert figure.axes[1].get_title() == "no level is half-way within the run"
