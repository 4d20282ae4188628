"""Figures of runs too short to show what they are for are drawn all the same, and say so."""

import ast
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.exponents import exponents
from pipeline.analysis.laws import LAWS, compare_laws
from pipeline.analysis.sample_complexity import analyse
from pipeline.analysis.settings import Shown
from pipeline.artifacts import tables
from pipeline.base.columns import COLUMNS
from pipeline.base.spec import Spec
from pipeline.figures.rhm import accuracy_vs_training_step as rhm_accuracy_vs_training_step
from pipeline.figures.rhm import sample_complexity as rhm_sample_complexity
from pipeline.figures.save import save_figure
from pipeline.figures.settings import OfAnalysis, Style
from tests.unit.settings_case import spec_of
from tests.unit.test_exponents import V_M, plain
from tests.unit.test_exponents import thresholds as thresholds_of

STYLE = Style(palette="viridis", column_width=3.4, page_width=7.0)
SETTINGS = OfAnalysis(
    style=STYLE, missing=[], analysis=Shown(accuracy="node_accuracy", among="all")
)
REPLICA = {"v": 4, "m": 2, "s": 2, "L": 2, "grammar_seed": 0, "data_seed": 0, "network_seed": 0}

PIPELINE = Path(tables.__file__).parents[1]
MEASURING = [*PIPELINE.glob("measurement/*.py"), *PIPELINE.glob("*/estimators/*.py")]
MEASURING += [*PIPELINE.glob("rhm/theory/*.py"), PIPELINE / "rhm/measure.py"]
CHOOSY = [p for p in PIPELINE.glob("figures/*/*.py") if "\nQUANTITIES" in p.read_text()]
NO_QUANTITIES = {"all", "novel_strings", "novel_subtrees", "online", "samples", "theory"}
NO_QUANTITIES |= {"training", "test"}
NO_QUANTITIES |= {"copied_excess"}  # of the times of copying, which are read whole


def words(path):
    """Texts in a module that may be names of quantities."""
    nodes = ast.walk(ast.parse(path.read_text()))
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {text for text in texts if text.isidentifier()}


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


def excess(losses):
    """Probes of a network that learns nothing, above the plateaus of who knows 0 and 1 levels."""
    place = [*REPLICA, "dataset_size", "step", "noise_low", "noise_high"]
    cells = losses[place].assign(standard_error=0.0)
    rows = [cells.assign(quantity="excess_loss", level=np.nan, estimate=0.9)]
    rows += [
        cells.assign(quantity="plateau_excess_loss", level=level, estimate=height)
        for level, height in ((0, 0.5), (1, 0.1))
    ]
    return pd.concat(rows, ignore_index=True)


def thresholds(tmp_path, accuracy, steps):
    measured, losses = curves(accuracy, steps)
    names = ("measurements", "losses", "probes", "out")
    paths = [tmp_path / f"{name}.parquet" for name in names]
    for path, frame in zip(paths, (measured, losses, excess(losses)), strict=False):
        tables.write_table(path, frame, {"kind": path.stem})
    analyse(spec_of("analyse", "rhm", {"among": "all", "converged": 0.95}), *paths)
    return measured, tables.read_table(paths[-1], "sample_complexity")


@pytest.mark.parametrize("steps", [(1, 2), (1, 2, 4, 8)])
def test_a_run_that_learns_nothing_has_no_threshold_within_its_range(tmp_path, steps):
    accuracy = np.full(len(steps), 0.51)
    measured, found = thresholds(tmp_path, accuracy, steps)
    assert not (found["status"] == "inside").any()
    figure = rhm_accuracy_vs_training_step.draw(SETTINGS, measured, found)
    assert figure.axes[1].get_title() == "no level is half-way within the run"
    figure = rhm_sample_complexity.draw(SETTINGS, found, *compared(found))
    assert "fitted slope: not resolved" in figure.get_supxlabel()
    assert figure.axes[1].get_title() == "no setting to hold out"


def compared(found):
    found = found[found["quantity"] == "node_accuracy"]
    tables = exponents(found, 50, 1), compare_laws(found, 50, 1)
    return [table.assign(criterion="node_accuracy") for table in tables]


def test_a_run_that_learns_has_its_thresholds_drawn(tmp_path):
    measured, found = thresholds(tmp_path, [0.5, 0.55, 0.95, 1.0], (1, 10, 100, 1000))
    of_steps = found[(found["variable"] == "step") & (found["quantity"] == "node_accuracy")]
    (level_1,) = of_steps[of_steps["level"] == 1]["threshold"]
    assert 10 < level_1 < 100  # accuracy passes 0.75, half-way from 0.5 to 1, in between
    figure = rhm_accuracy_vs_training_step.draw(SETTINGS, measured, found)
    assert figure.axes[1].get_title() == ""


def test_the_slope_is_that_of_the_exponents_table_and_laws_have_a_bar_each():
    found = thresholds_of(plain, V_M, noise=0.1).assign(quantity="node_accuracy", least=1, most=9e9)
    found.loc[(found["m"] == 4) & (found["level"] == 3), ["status", "threshold"]] = "above", np.nan
    slopes, laws = compared(found)
    figure = rhm_sample_complexity.draw(SETTINGS, found, slopes, laws)
    (slope,) = slopes[(slopes["quantity"] == "law_exponent") & slopes["level"].isna()]["estimate"]
    said = " ".join(figure.get_supxlabel().split())
    assert f"fitted slope for levels from 2: {slope:.2f} [" in said
    assert "lack of fit: p = " in said
    assert "exponent of m: " in said
    panel, errors = figure.axes
    assert sum(len(bars.lines[0].get_xdata()) for bars in errors.containers) == len(LAWS)
    arrows = [text for text in panel.texts if text.arrow_patch is not None]
    assert [text.xyann[1] for text in arrows] == pytest.approx(
        [9e9] * 2
    )  # from the end of the range


def test_a_level_not_learnt_to_the_end_is_where_others_of_it_are_without_an_arrow():
    found = thresholds_of(plain, V_M, noise=0.1).assign(quantity="node_accuracy", least=1, most=9e9)
    level = (found["v"] == V_M[0][0]) & (found["m"] == V_M[0][1]) & (found["level"] == 3)
    found.loc[level & (found["grammar_seed"] == 0), ["status", "threshold"]] = (
        "not converged",
        np.nan,
    )
    panel = rhm_sample_complexity.draw(SETTINGS, found, *compared(found)).axes[0]
    assert not [text for text in panel.texts if text.arrow_patch is not None]
    others = found.loc[level & (found["status"] == "inside"), "threshold"]
    places = {bars.lines[0].get_ydata()[0]: bars.lines[0] for bars in panel.containers}
    of_level = places[min(places, key=lambda place: abs(place - np.exp(np.log(others).mean())))]
    assert of_level.get_ydata()[0] == pytest.approx(np.exp(np.log(others).mean()))
    assert of_level.get_markerfacecolor() == "none"
    found.loc[level, ["status", "threshold"]] = "not converged", np.nan
    fewer = rhm_sample_complexity.draw(SETTINGS, found, *compared(found)).axes[0]
    assert len(fewer.containers) == len(panel.containers) - 1


def test_without_online_training_the_figure_of_steps_is_empty(tmp_path):
    measured, found = thresholds(tmp_path, [0.5, 0.55, 0.95, 1.0], (1, 10, 100, 1000))
    finite = measured[measured["dataset_size"] != "online"]
    by_size = found[found["variable"] == "dataset_size"]
    figure = rhm_accuracy_vs_training_step.draw(SETTINGS, finite, by_size)
    assert not figure.axes[0].lines
    assert figure.axes[1].get_title() == "no level is half-way within the run"


@pytest.mark.parametrize("path", CHOOSY, ids=lambda path: path.stem)
def test_a_figure_that_reads_some_quantities_reads_all_that_it_names(path):
    read = set().union(
        *import_module(f"pipeline.figures.{path.parent.stem}.{path.stem}").QUANTITIES.values()
    )
    measured = set().union(*map(words, MEASURING)) - {*COLUMNS, *NO_QUANTITIES}
    assert read
    assert words(path) & measured <= read


def test_rows_that_a_figure_does_not_look_at_change_nothing(tmp_path):
    measured, losses = curves([0.5, 0.9], (1, 2))
    measured["quantity"] = np.where(measured["level"] == 1, "copied_fraction", "coverage")
    shown = measured.assign(level=None)
    shown.loc[shown["quantity"] == "coverage", "quantity"] = "valid_and_novel_fraction"
    drawn, times = [], tmp_path / "memorization.parquet"
    columns = [*REPLICA, "dataset_size", "level", "quantity", "threshold", "status"]
    tables.write_table(times, pd.DataFrame(columns=columns), {"kind": "memorization"})
    for name, frame in {"few": shown, "all": pd.concat([shown, measured.iloc[1::2]])}.items():
        paths = [tmp_path / name / f"{kind}.parquet" for kind in ("measurements", "losses")]
        for path, table in zip(paths, (frame, losses), strict=True):
            tables.write_table(path, table, {"kind": path.stem})
        spec = Spec("rhm_generalization_map", "rhm", SETTINGS, {})
        save_figure(spec, [*paths, times], [tmp_path / f"{name}.png"])
        drawn.append((tmp_path / f"{name}.png").read_bytes())
    assert drawn[0] == drawn[1]
