"""The figure that compares a run with the released code's own."""

import re

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.curves import difference_interval
from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.figures.rhm import released_run as rhm_released_run
from pipeline.figures.settings import BesideReferences
from tests.unit.test_figures import STYLE
from tests.workflow.checkout import ROOT

LOOKS = BesideReferences(style=STYLE, missing=[], width=128)
CELL = {"v": 8, "m": 3, "s": 2, "L": 3, "dataset_size": "1024"}
EPOCHS = [1, 64, 256, 1024, 4096]
REFERENCE = ROOT / "workflow/references/rhm_released_code.parquet"
RESULTS = ROOT / "results/released/tables"
PAGE = (ROOT / "docs/released_code.md").read_text()


def rows(shift, seeds, data_seed=0.0):
    random = np.random.default_rng([1 + int(100 * shift), len(seeds)])
    for seed in seeds:
        for epoch in EPOCHS:
            place = {**CELL, "grammar_seed": seed, "data_seed": data_seed, "network_seed": 0}
            place |= {"step": 16 * epoch, "among": "all"}
            for level in (1.0, 2.0, 3.0):
                value = shift + epoch / 5000 + 0.001 * random.normal()
                yield {**place, "quantity": "node_accuracy", "level": level, "estimate": value}
            copies = {"quantity": "copied_fraction", "level": np.nan, "among": None}
            yield {**place, **copies, "estimate": 0.1 + 0.001 * random.normal()}


def losses(seeds):
    common = {"noise_low": 0.0, "noise_high": 1.0, "loss": 0.01, "data_seed": 0, "network_seed": 0}
    return pd.DataFrame(
        [
            {**CELL, **common, "grammar_seed": seed, "step": 16 * epoch, "split": split}
            for seed in seeds
            for epoch in EPOCHS
            for split in ("training", "test")
        ]
    )


def reference():
    theirs = pd.DataFrame(rows(0, range(5))).assign(width=128)
    notebook = pd.DataFrame(rows(0, [42], np.nan)).assign(width=1024)
    table = pd.concat([theirs, notebook], ignore_index=True)
    return table.assign(epoch=table["step"] / 16)


@pytest.mark.parametrize(("shift", "covered"), [(0, 12), (0.1, 3)])
def test_intervals_that_cover_zero_are_counted_from_epoch_256_on(shift, covered):
    figure = rhm_released_run.draw(
        LOOKS, pd.DataFrame(rows(shift, range(6))), losses(range(6)), reference()
    )
    note = figure.get_supxlabel().replace("\n", " ")
    found, points = map(int, note.split(" intervals")[0].split("; ")[-1].split(" of "))
    assert points == 3 * 4
    assert abs(found - covered) <= 2
    assert "n = 6 replicas" in note
    assert "filled: ours at width 128, mean" in note
    assert "width 128, likewise over n = 5" in note


@pytest.mark.parametrize(("shift", "covered"), [(0, 12), (0.1, 3)])
def test_a_run_of_the_width_of_the_notebook_is_held_against_the_notebook(shift, covered):
    ours = pd.DataFrame(rows(shift, range(6)))
    figure = rhm_released_run.draw(
        LOOKS.model_copy(update={"width": 1024}), ours, losses(range(6)), reference()
    )
    note = figure.get_supxlabel().replace("\n", " ")
    assert "filled: ours at width 1024, mean" in note
    assert abs(int(note.split(" intervals")[0].split("; ")[-1].split(" of ")[0]) - covered) <= 2
    assert figure.axes[3].get_ylabel() == "ours less the notebook's"


def test_a_single_value_is_taken_to_vary_as_the_others_do():
    random = np.random.default_rng(0)
    draws = random.normal(size=(2000, 6))
    found = [difference_interval(draw[:5], draw[5:]) for draw in draws]
    assert np.mean([low <= 0 <= high for _, low, high in found]) == pytest.approx(0.95, abs=0.02)


def test_a_run_that_was_stopped_before_anything_is_compared_is_drawn():
    early = [
        frame[frame["step"] < 4096] for frame in (pd.DataFrame(rows(0, [0, 1])), losses([0, 1]))
    ]
    figure = rhm_released_run.draw(LOOKS, *early, reference())
    assert "0 of 0 intervals" in figure.get_supxlabel().replace("\n", " ")


def test_a_run_of_another_cell_is_refused():
    other = pd.DataFrame(rows(0, [0])).assign(m=4)
    with pytest.raises(PipelineError, match=r"needs a cell with v = 8, m = 3, .* preset=released"):
        rhm_released_run.draw(LOOKS, other, losses([0]).assign(m=4), reference())


def committed():
    names = {"measurements": RESULTS, "losses": RESULTS}
    found = [tables.read_table(path / f"rhm_{name}.parquet", name) for name, path in names.items()]
    return *found, tables.read_table(REFERENCE, "released_code")


def test_the_page_has_the_numbers_of_the_committed_tables():
    measurements, _, reference = committed()
    rows = re.findall(r"^\| ([\d,]+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 6
    theirs = reference[reference["data_seed"].notna()]
    curves = [("node_accuracy", level) for level in (1, 2, 3)] + [("copied_fraction", None)]
    for epoch, cells in rows:
        step = 16 * int(epoch.replace(",", ""))
        for (quantity, level), cell in zip(curves, cells.split(" | "), strict=True):
            for frame, shown in zip((measurements, theirs), cell.split(" / "), strict=True):
                chosen = frame[(frame["quantity"] == quantity) & (frame["step"] == step)]
                if level is not None:
                    chosen = chosen[(chosen["level"] == level) & (chosen["among"] == "all")]
                assert len(chosen) == 8
                assert float(shown) == pytest.approx(chosen["estimate"].mean(), abs=6e-4)


def test_the_page_and_the_readme_count_the_intervals_of_the_figure():
    note = rhm_released_run.draw(LOOKS, *committed()).get_supxlabel().replace("\n", " ")
    covered, points = re.search(r"(\d+) of (\d+) intervals of differences cover 0", note).groups()
    assert f"{covered} of {points} intervals of differences cover zero" in PAGE
    assert f"in {covered} of {points} points" in (ROOT / "docs/choices.md").read_text()
