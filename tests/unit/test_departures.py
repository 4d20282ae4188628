"""What departures change, told from tables whose half-way points are known."""

import numpy as np
import pandas as pd
import pytest

from pipeline import tables
from pipeline.analysis.departures import BASE, LAST_CHECKPOINT, depart
from pipeline.figures import rhm_choices

SIZES, STEPS = [2**k for k in range(4, 12)], [10, 100, 1000, 10_000]
GRAMMARS = (0, 1, 2)
LOOKS = {"style": {"palette": "viridis", "width": 3.4}}
PLACE = {"v": 8, "m": 2, "s": 2, "L": 1, "data_seed": 0, "network_seed": 0}


def accuracy(x, half, chance):
    return chance + (1 - chance) / (1 + (x / half) ** -3)


def write(path, half_size, half_step, best=10_000, spread=0.1):
    """Tables of a run whose accuracy is half-way at these; grammars differ by `spread`."""
    rows, losses = [], []
    for seed in GRAMMARS:
        factor = np.exp(spread * (seed - 1))
        for size in SIZES:
            for step in STEPS:
                place = {**PLACE, "grammar_seed": seed, "dataset_size": str(size), "step": step}
                of_size = accuracy(size, half_size * factor, 0)
                value = 0.25 + 0.75 * of_size * accuracy(step, half_step * factor, 0)
                row = {"quantity": "node_accuracy", "level": 1.0, "estimate": value, "ceiling": 1.0}
                rows += [{**place, **row, "among": "all"}]
                loss = {"split": "validation", "noise_low": 0.0, "noise_high": 1.0}
                losses += [{**place, **loss, "loss": float(step != best)}]
    frames = {"measurements": pd.DataFrame(rows), "losses": pd.DataFrame(losses)}
    for name, frame in frames.items():
        tables.write_table(path / f"{name}.parquet", frame, {"kind": name})
    return [path / f"{name}.parquet" for name in frames]


@pytest.fixture
def changes(tmp_path):
    runs = {"base": (100, 300), "slow": (400, 300), "never": (1e9, 300), "late": (100, 900)}
    paths = []
    for name, halves in runs.items():
        (tmp_path / name).mkdir()
        paths.append(write(tmp_path / name, *halves))
    spec = {"stage": "depart", "domain": "rhm"}
    spec["settings"] = {
        "accuracy": "node_accuracy",
        "among": "all",
        "names": [name for name in runs if name != "base"],
    }
    depart(spec, *zip(*paths, strict=True), tmp_path / "rhm_departures.parquet")
    return tables.read_table(tmp_path / "rhm_departures.parquet", "departures")


def of(changes, departure, quantity):
    found = changes[(changes["departure"] == departure) & (changes["quantity"] == quantity)]
    return found.iloc[0]


def test_ratios_of_the_same_grammars_have_no_spread_of_grammars(changes):
    base = of(changes, BASE, "half_way_dataset_size")
    assert base["estimate"] == pytest.approx(100, rel=0.01)
    assert base["high"] / base["low"] > 1.5
    slow = of(changes, "slow", "half_way_dataset_size_ratio")
    assert slow["estimate"] == pytest.approx(4, rel=0.02)
    assert slow["high"] / slow["low"] < 1.05
    late = of(changes, "late", "half_way_step_ratio")
    assert late["estimate"] == pytest.approx(3, rel=0.02)


def test_final_accuracies_are_subtracted(changes):
    slow = of(changes, "slow", "final_accuracy_difference")
    base, own = (of(changes, name, "final_accuracy")["estimate"] for name in (BASE, "slow"))
    assert slow["estimate"] == pytest.approx(own - base)
    assert slow["estimate"] < 0


def test_what_is_out_of_range_has_a_side_and_no_number(changes):
    never = of(changes, "never", "half_way_dataset_size_ratio")
    assert (never["status"], np.isnan(never["estimate"])) == ("above", True)
    assert of(changes, "never", "final_accuracy_difference")["status"] == "inside"


def test_the_last_checkpoint_needs_no_run_of_its_own(changes):
    last = of(changes, LAST_CHECKPOINT, "half_way_dataset_size_ratio")
    assert last["estimate"] == pytest.approx(1)  # here the best one is the last


def test_every_departure_has_its_row_in_the_figure(changes):
    figure = rhm_choices.draw(LOOKS, changes)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["last checkpoint", "slow", "never", "late"]
    sizes = figure.axes[0]
    assert sizes.get_xscale() == "log"
    (bars,) = sizes.containers
    assert bars.lines[0].get_xdata()[1] == pytest.approx(4, rel=0.02)
    marks = [mark for mark in sizes.collections if len(mark.get_offsets())]
    assert any(mark.get_offsets()[0].tolist() == [0.98, 2] for mark in marks)  # never, at the edge
    assert "n = 3 grammars" in figure.get_supxlabel().replace("\n", " ")
