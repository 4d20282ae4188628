"""Times of learning and of copying, their exponent, and the figure, on curves that are known."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.curves import all_inside
from pipeline.analysis.memorization import copying_exponents, learning_times, memorize
from pipeline.artifacts import tables
from pipeline.figures.rhm import memorization as rhm_memorization
from tests.unit.settings_case import spec_of
from tests.unit.test_figures import SETTINGS

STEPS = 2.0 ** np.arange(3, 15)
SIZES = (8, 16, 32, 64)
CHANCE = {1: 0.5, 2: 0.125}  # f and f**3 with f = m / v


def rise(half, low=0.0):
    return low + (1 - low) / (1 + (STEPS / half) ** -2.0)


def rows_of(place, quantity, values, **labels):
    labels = {"among": "all", "level": np.nan, "ceiling": np.nan} | labels
    return [
        {**place, "step": int(step), "quantity": quantity, "estimate": value, **labels}
        for step, value in zip(STEPS, values, strict=True)
    ]


def copying_time(seed, size, power):
    return 30.0 * (1 + seed) * (size / 8) ** power


def copies_of(seed, size, power):
    """Excess copies that rise in straight lines of log step, and pass one half on time."""
    away = np.log(STEPS / copying_time(seed, size, power)) / np.log(2)
    return np.clip(0.5 + away / 16, 0, 1)


def measurements(power=1.0, seeds=(0, 1, 2), sizes=SIZES):
    rows = []
    for seed in seeds:
        for size in (*map(str, sizes), "online"):
            place = {"v": 4, "m": 2, "s": 2, "L": 2, "grammar_seed": seed, "data_seed": 0}
            place |= {"network_seed": 0, "dataset_size": size}
            for level, chance in CHANCE.items():
                curve = rise(20.0 * level, chance)
                rows += rows_of(place, "node_accuracy", curve, level=level, ceiling=1.0)
                novel = {"level": level, "among": "novel_strings", "ceiling": 1.0}
                rows += rows_of(place, "node_accuracy", 0 * curve, **novel)
                for name in ("rule_usage_divergence", "training_rule_usage_divergence"):
                    rows += rows_of(place, name, 0 * STEPS, level=level)
            copies = 0 * STEPS if size == "online" else copies_of(seed, int(size), power)
            rows += rows_of(place, "copied_excess", copies)
            rows += rows_of(place, "copied_fraction", copies)
            rows += rows_of(place, "coverage", 1 + 0 * STEPS, among="novel_strings")
    return pd.DataFrame(rows)


def test_times_are_those_at_which_the_curves_are_half_way():
    times = learning_times(measurements(), 0.95)
    assert len(times) == 3 * len(SIZES) * 3
    assert set(times["status"]) == {"inside"}
    learnt = times[times["quantity"] == "node_accuracy"]
    assert learnt["threshold"].to_numpy() == pytest.approx(20.0 * learnt["level"], rel=1e-3)
    assert learnt["chance"].tolist() == [CHANCE[level] for level in learnt["level"]]
    copying = times[times["quantity"] == "copied_excess"]
    assert copying["level"].isna().all()
    expected = [
        copying_time(row.grammar_seed, int(row.dataset_size), 1.0) for row in copying.itertuples()
    ]
    assert copying["threshold"].to_numpy() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5])
def test_the_exponent_is_that_of_the_copying_times(power):
    (row,) = copying_exponents(learning_times(measurements(power), 0.95), 100, 0).to_dict("records")
    assert row["estimate"] == pytest.approx(power, abs=1e-3)
    assert row["low"] == pytest.approx(power, abs=1e-2)
    assert row["high"] == pytest.approx(power, abs=1e-2)
    assert (row["dataset_sizes"], row["grammars"], row["replicas"]) == (4, 3, 3)


def test_copying_needs_no_more_than_half_of_its_curve():
    """All strings are where it ends, so a run may end, or a curve bend, before it gets there."""
    frame = measurements(seeds=(0,))
    copied = frame["quantity"] == "copied_excess"
    frame.loc[copied, "estimate"] = frame.loc[copied, "estimate"].clip(upper=0.6)
    times = learning_times(frame, 0.95)
    copying = times[times["quantity"] == "copied_excess"]
    assert set(copying["status"]) == {"inside"}
    expected = [copying_time(0, int(size), 1.0) for size in copying["dataset_size"]]
    assert copying["threshold"].to_numpy() == pytest.approx(expected, rel=1e-6)
    assert copying["top"].to_numpy() == pytest.approx([0.6] * 4)


def test_a_size_at_which_one_replica_never_copies_counts_for_none():
    frame = measurements()
    late = (frame["quantity"] == "copied_excess") & (frame["dataset_size"] == "64")
    frame.loc[late & (frame["grammar_seed"] == 2), "estimate"] = 0.0
    times = learning_times(frame, 0.95)
    copying = times[times["quantity"] == "copied_excess"]
    assert (copying["status"] == "above").sum() == 1
    assert set(all_inside(copying, ["dataset_size"])["dataset_size"]) == {"8", "16", "32"}
    assert copying_exponents(times, 50, 0)["dataset_sizes"].tolist() == [3]


def test_undefined_and_short_curves_have_no_time():
    frame = measurements(seeds=(0,), sizes=(8,))
    frame.loc[(frame["quantity"] == "copied_excess") & (frame["step"] > 16), "estimate"] = np.nan
    times = learning_times(frame, 0.95)
    assert set(times["quantity"]) == {"node_accuracy"}
    assert copying_exponents(times, 50, 0).empty


def written(tmp_path, frame):
    paths = [tmp_path / f"{name}.parquet" for name in ("measurements", "times", "exponents")]
    tables.write_table(paths[0], frame, {"kind": "measurements"})
    memorize(spec_of("memorize", "rhm", {"bootstrap_samples": 50, "converged": 0.95}), *paths)
    kinds = ("measurements", "memorization", "memorization_exponents")
    return {kind: tables.read_table(path, kind) for kind, path in zip(kinds, paths, strict=True)}


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({}, "z = 1.00 [1.00, 1.00]\n(4 sizes, 3 grammars)"),
        ({"seeds": (0,)}, "z = 1.00\n(4 sizes, 1 grammars)"),
        ({"sizes": (8,)}, "exponent not resolved"),
    ],
)
def test_the_figure_says_how_copying_times_grow(tmp_path, change, title):
    figure = rhm_memorization.draw(SETTINGS, **written(tmp_path, measurements(**change)))
    assert title in figure.axes[5].get_legend().get_title().get_text()
    assert "nats; data: 0" in figure.axes[3].get_title()


def test_a_run_without_any_time_is_drawn_all_the_same(tmp_path):
    frame = measurements()
    frame = frame[frame["step"] < 20]
    found = written(tmp_path, frame)
    assert found["memorization"].empty
    rhm_memorization.draw(SETTINGS, **found).canvas.draw()


def test_rules_without_synonyms_are_drawn_all_the_same(tmp_path):
    """Their usage cannot be uneven, and ln m, the end of its colours, is zero."""
    found = written(tmp_path, measurements().assign(m=1))
    figure = rhm_memorization.draw(SETTINGS, **found)
    figure.canvas.draw()
    (mesh,) = figure.axes[3].collections
    assert set(mesh.get_array().ravel()) == {0.0}
