"""Tables of the studies: half-way sizes by level, and lengths by dataset size."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from pipeline.claims.settings import Rules
from pipeline.config.load import load_config
from pipeline.documents.lengths import length_table
from pipeline.documents.study import condition_table, level_table

ROOT = Path(__file__).parents[2]
DECIDED = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {}).claims.plain()


def _thresholds(values, level=1, status="inside", variable="dataset_size"):
    """One threshold per grammar."""
    setting = {
        "v": 10,
        "m": 3,
        "s": 2,
        "L": 3,
        "data_seed": 0,
        "network_seed": 0,
        "predicted": 99.0,
    }
    shared = {**setting, "level": level, "status": status, "variable": variable}
    return pd.DataFrame(
        [{**shared, "grammar_seed": seed, "threshold": t} for seed, t in enumerate(values)]
    )


def test_interval_is_students_over_logarithms():
    # logarithms -1, 0, 1: standard error 1 / sqrt(3), t(2, 0.975) = 4.3027, half-width 2.4842
    (line,) = level_table({"steps": _thresholds([1 / 2.718281828, 1, 2.718281828])}).splitlines()[
        2:
    ]
    assert line.endswith("| 1 [0.0834, 12] | - |")


def test_one_grammar_has_no_interval():
    (line,) = level_table({"steps": _thresholds([7])}).splitlines()[2:]
    assert line.endswith("| 7 | - |")


def test_a_level_counts_only_if_all_its_grammars_are_inside():
    outside = _thresholds([3, 3])
    outside.loc[1, "status"] = "above"
    assert level_table({"steps": outside}).endswith("| 99 | - | - |\n")


def test_levels_stand_beside_their_growth_over_m_times_the_level_below():
    # growth 6, 12 and 24 at m = 3: 2, 4 and 8 times m, whose geometric mean is 4
    levels = pd.concat([_thresholds([1, 10, 100]), _thresholds([6, 120, 2400], level=2)])
    lines = level_table({"steps": levels}).splitlines()
    assert lines[0].endswith("| predicted | P*_l, steps | over m P*_(l-1) |")
    assert lines[2].startswith("| 10, 3, 2, 3 | 1 | 99 | 10 [")
    assert lines[2].endswith(" | - |")
    # ln of the ratios is ln 4 plus -ln 2, 0, ln 2: half-width 4.3027 ln 2 / sqrt(3) = 1.7219
    assert lines[3].endswith("| 4 [0.715, 22.4] |")


def test_growth_over_a_level_out_of_range_is_not_stated():
    levels = pd.concat([_thresholds([1, 2], status="below"), _thresholds([6, 12], level=2)])
    assert level_table({"steps": levels}).splitlines()[2:] == [
        "| 10, 3, 2, 3 | 1 | 99 | - | - |",
        "| 10, 3, 2, 3 | 2 | 99 | 8.49 [0.104, 694] | - |",
    ]


def test_replicas_of_one_grammar_are_one_number_of_the_interval():
    # the grammars' means are 2 and 2, whatever the spread of their replicas
    both = pd.concat([_thresholds([1, 1]), _thresholds([4, 4]).assign(data_seed=1)])
    assert "| 1 | 99 | 2 [2, 2] | -" in level_table({"steps": both})


def test_a_criterion_may_know_neither_all_levels_nor_networks():
    networks = pd.concat([_thresholds([5, 5]), _thresholds([9, 9], level=2)])
    clusters = _thresholds([7, 7], level=2).drop(columns="network_seed")
    first, second = level_table({"nets": networks, "clusters": clusters}).splitlines()[2:]
    assert first == "| 10, 3, 2, 3 | 1 | 99 | 5 [5, 5] | - | - | - |"
    assert second == "| 10, 3, 2, 3 | 2 | 99 | 9 [9, 9] | 0.6 [0.6, 0.6] | 7 [7, 7] | - |"


def _compared(base, found):
    """Rows of the table of one study that is held against another."""
    sizes = {"study_a": {"accuracy": base}, "study_b": {"accuracy": found}}
    return condition_table(sizes, {"study_b": "study_a"}).splitlines()[2:]


def test_conditions_are_compared_grammar_by_grammar():
    # ratios 2, 2 and 2: no spread, though sizes differ a thousandfold between grammars
    (row,) = _compared(_thresholds([1, 30, 1000]), _thresholds([2, 60, 2000]))
    assert row.startswith("| `study_b` | `study_a` | 10, 3, 2, 3 | 1 | 99 | 62.1 [")
    assert row.endswith("| 2 [2, 2] |")
    # ratios e^-1, 1 and e: half-width 4.3027 / sqrt(3) = 2.4842
    (row,) = _compared(_thresholds([1, 30, 1000]), _thresholds([1 / 2.718281828, 30, 2718.281828]))
    assert row.endswith("| 1 [0.0834, 12] |")


def test_a_level_without_half_way_points_of_both_conditions_has_no_ratio():
    both = pd.concat([_thresholds([4, 4]), _thresholds([8, 8], level=2)])
    outside = pd.concat([_thresholds([2, 2]), _thresholds([2, 2], level=2, status="below")])
    first, second = _compared(outside, both)
    assert first.endswith("| 4 [4, 4] | 2 [2, 2] |")
    assert second.endswith("| 8 [8, 8] | - |")
    assert _compared(both, _thresholds([8, 8], status="above")) == []


def test_a_study_may_be_held_against_none():
    table = condition_table({"study_a": {"accuracy": _thresholds([7, 7])}}, {"study_a": None})
    assert table.endswith("| `study_a` | - | 10, 3, 2, 3 | 1 | 99 | 7 [7, 7] | - |\n")


def measured(rows):
    """Lengths and copies of images by network, size and step."""
    frame = pd.DataFrame(rows, columns=["network_seed", "dataset_size", "step", "length", "copied"])
    named = {"length": "equivalent_block_length", "copied": "copied_fraction"}
    place = ["network_seed", "dataset_size", "step"]
    long = frame.melt(place, list(named), var_name="quantity", value_name="estimate")
    shared = {"setting": "cars", "data_seed": 0, "average": 0.9, "layer": 2.0}
    long = long.assign(quantity=long["quantity"].map(named), **shared)
    return long.assign(among=long["quantity"].map({"equivalent_block_length": "novel_samples"}))


def test_lengths_are_those_of_the_best_and_of_the_last_step():
    # 8 images are learnt by heart: the validation loss is lowest at step 10, not at 20
    rows = [(0, 8, 10, 2.0, 0.0), (1, 8, 10, 4.0, 0.0), (0, 8, 20, 6.0, 0.5), (1, 8, 20, 6.0, 0.7)]
    rows += [(seed, 16, step, float(step), 0.0) for seed in (0, 1) for step in (10, 20)]
    measurements = measured(rows).astype({"dataset_size": str})
    cells = measurements[["setting", "data_seed", "network_seed", "dataset_size", "step"]]
    losses = cells.drop_duplicates().assign(split="validation", noise_low=0, noise_high=1)
    small = losses["dataset_size"] == "8"
    losses["loss"] = losses["step"].where(small, -losses["step"])
    found = {"measurements": measurements, "losses": losses}
    lines = length_table(found, Rules(**DECIDED, average=0.9), "image").splitlines()
    assert lines[2:] == [
        "| 8 | 10 | 3.0 ± 1.4 | 6.0 ± 0.0 | 0.60 |",
        "| 16 | 20 | 20.0 ± 0.0 | 20.0 ± 0.0 | 0.00 |",
    ]


def test_the_page_of_the_study_says_what_its_tables_say(tmp_path):
    page = (ROOT / "docs/study.md").read_text()
    (tmp_path / "study.md").write_text(page)
    command = [sys.executable, "-m", "pipeline.documents.study", tmp_path / "study.md", "results"]
    subprocess.run(command, cwd=ROOT, check=True)
    assert (tmp_path / "study.md").read_text() == page
