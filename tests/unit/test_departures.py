"""What departures change, told from tables whose half-way points are known."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.departures import BASE, depart
from pipeline.artifacts import tables
from pipeline.config.schema import LAST_CHECKPOINT
from pipeline.figures.rhm import choices as rhm_choices
from tests.unit.settings_case import spec_of
from tests.unit.test_figures import SETTINGS as LOOKS
from tests.workflow.checkout import ROOT

SIZES, STEPS = [2**k for k in range(4, 12)], [10, 100, 1000, 10_000]
GRAMMARS, LEVELS = (0, 1, 2), {1.0: 1, 2.0: 3}
"""Seeds of grammars; levels, with the factor by which half-way points of each are larger."""
PLACE = {"v": 8, "m": 2, "s": 2, "L": 2, "network_seed": 0}


def accuracy(x, half):
    return 1 / (1 + (x / half) ** -3)


def write(path, half_size, half_step, sizes=SIZES, best=1000):
    """Tables of a run whose accuracy is half-way at these; grammars differ by a tenth.

    Of the two training sets of each grammar one needs a little more, the other a little less.
    """
    rows, losses = [], []
    for seed, data, size, step in (
        (seed, data, size, step)
        for seed in GRAMMARS
        for data in (0, 1)
        for size in sizes
        for step in STEPS
    ):
        place = {**PLACE, "grammar_seed": seed, "data_seed": data}
        place |= {"dataset_size": str(size), "step": step}
        for level, larger in LEVELS.items():
            factor = larger * np.exp(0.1 * (seed - 1) + 0.05 * (2 * data - 1))
            reached = accuracy(size, half_size * factor) * accuracy(step, half_step * factor)
            value = 0.25**level + (1 - 0.25**level) * reached
            row = {"quantity": "node_accuracy", "level": level, "estimate": value, "ceiling": 1.0}
            rows += [{**place, **row, "among": "all"}]
        losses += [{**place, "split": "validation", "loss": float(step != best)}]
    frames = {"measurements": pd.DataFrame(rows)}
    frames["losses"] = pd.DataFrame(losses).assign(noise_low=0.0, noise_high=1.0)
    for name, frame in frames.items():
        tables.write_table(path / f"{name}.parquet", frame, {"kind": name})
    return [path / f"{name}.parquet" for name in frames]


@pytest.fixture(scope="module")
def changes(tmp_path_factory):
    directory, paths = tmp_path_factory.mktemp("departures"), []
    runs = {
        "base": {"half_size": 60, "half_step": 100},
        "slow": {"half_size": 120, "half_step": 100},
        "never": {"half_size": 1e9, "half_step": 100},
        "late": {"half_size": 60, "half_step": 150},
        "unfinished": {"half_size": 60, "half_step": 100, "sizes": SIZES[:-1]},
    }
    for name, run in runs.items():
        (directory / name).mkdir()
        paths.append(write(directory / name, **run))
    settings = {"accuracy": "node_accuracy", "among": "all", "converged": 0.95}
    settings |= {"last_checkpoint": LAST_CHECKPOINT}
    settings |= {"names": [name for name in runs if name != "base"], "missing": []}
    spec = spec_of("depart", "rhm", settings)
    output = directory / "rhm_departures.parquet"
    depart(spec, *zip(*paths, strict=True), output)
    return tables.read_table(output, "departures")


def of(changes, departure, quantity, level=1.0):
    one = (changes["departure"] == departure) & (changes["quantity"] == quantity)
    return changes[one & (changes["level"] == level)]


def test_half_way_points_of_a_run_are_found_at_every_level(changes):
    for level, larger in LEVELS.items():
        base = of(changes, BASE, "half_way_dataset_size", level).iloc[0]
        assert base["estimate"] == pytest.approx(60 * larger, rel=0.1)  # the best step is not late
        assert base["grammars"] == 3


def test_ratios_of_the_same_grammars_have_no_spread_of_grammars(changes):
    base = of(changes, BASE, "half_way_dataset_size").iloc[0]
    assert base["high"] / base["low"] > 1.4
    for level in LEVELS:
        slow = of(changes, "slow", "half_way_dataset_size_ratio", level).iloc[0]
        assert slow["estimate"] == pytest.approx(2, rel=0.03)
        assert slow["high"] / slow["low"] < 1.1
    late = of(changes, "late", "half_way_step_ratio").iloc[0]
    assert late["estimate"] == pytest.approx(1.5, rel=0.05)


def test_final_accuracies_are_subtracted_at_the_largest_size_of_the_run(changes):
    slow = of(changes, "slow", "final_accuracy_difference", 2.0).iloc[0]
    base, own = (of(changes, x, "final_accuracy", 2.0)["estimate"].item() for x in (BASE, "slow"))
    assert slow["estimate"] == pytest.approx(own - base)
    assert slow["estimate"] < 0
    for quantity in ("final_accuracy", "final_accuracy_difference", "half_way_step_ratio"):
        assert of(changes, "unfinished", quantity).empty
    assert of(changes, "unfinished", "half_way_dataset_size_ratio")["estimate"].item() == (
        pytest.approx(1, rel=0.03)
    )


def test_what_is_out_of_range_has_a_side_and_no_number(changes):
    never = of(changes, "never", "half_way_dataset_size_ratio").iloc[0]
    assert (never["status"], np.isnan(never["estimate"])) == ("above", True)
    assert of(changes, "never", "final_accuracy_difference")["status"].item() == "inside"


def test_the_last_checkpoint_needs_no_run_of_its_own(changes):
    """It is later than the best one here, and so needs fewer strings and is more accurate."""
    last = of(changes, LAST_CHECKPOINT, "half_way_dataset_size_ratio", 2.0).iloc[0]
    assert last["estimate"] < 0.995
    assert of(changes, LAST_CHECKPOINT, "final_accuracy_difference", 2.0)["estimate"].item() > 0
    assert of(changes, LAST_CHECKPOINT, "half_way_step_ratio").empty  # it has the same steps


def test_every_departure_has_its_row_in_the_figure(changes):
    figure = rhm_choices.draw(LOOKS, changes)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["last checkpoint", "slow", "never", "late", "unfinished"]
    sizes = figure.axes[0]
    assert sizes.get_xscale() == "log"
    (bars,) = sizes.containers
    assert bars.lines[0].get_xdata()[1] == pytest.approx(2, rel=0.03)
    marks = [mark for mark in sizes.collections if len(mark.get_offsets())]
    assert any(mark.get_offsets()[0].tolist() == [0.98, 2] for mark in marks)  # never, at the edge
    assert "n = 3 grammars" in figure.get_supxlabel().replace("\n", " ")


def committed_rows():
    """Rows of the table in the docs, from the committed results: a departure and six changes."""
    table = tables.read_table(ROOT / "results/choices/tables/rhm_departures.parquet", "departures")
    columns = [
        (quantity, setting, level)
        for quantity, levels in (
            ("half_way_dataset_size_ratio", (2, 3)),
            ("final_accuracy_difference", (3,)),
        )
        for level in levels
        for setting in ((8, 2), (6, 3))
    ]
    for name in table["departure"].unique():
        if name != BASE:
            yield [name.replace("_", " "), *(said(table, name, *column) for column in columns)]


def said(table, name, quantity, setting, level):
    chosen = (table["departure"] == name) & (table["quantity"] == quantity)
    chosen &= (table[["v", "m"]] == setting).all(axis=1) & (table["level"] == level)
    if not chosen.any():
        return "-"
    (row,) = table[chosen].itertuples()
    if row.status != "inside":
        return row.status
    return f"{row.estimate:.2f} [{row.low:.2f}, {row.high:.2f}]"


def test_the_page_has_the_numbers_of_the_committed_table():
    page = (ROOT / "docs/released_code.md").read_text()
    for cells in committed_rows():
        assert f"| {' | '.join(cells)} |\n" in page, cells[0]
