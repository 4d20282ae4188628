"""The main figure: chance, what is drawn over the prediction, and the numbers beside it."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.curves import chance_accuracy, predicted_size
from pipeline.figures import style
from pipeline.figures.rhm import accuracy_vs_dataset_size
from tests.unit.test_figures import SETTINGS

SETTING, SEEDS = ["v", "m", "s", "L"], ("grammar_seed", "data_seed", "network_seed")
SIZES, CEILING = (32, 128, 512, 2048), 0.95
GRAMMARS = [(10, 3, 2, 3), (10, 4, 2, 3)]
IN_RANGE = [(*GRAMMARS[0], 2), (*GRAMMARS[1], 2)]
"""Level 3 is half-way beyond the sizes."""


def measurements(quantity):
    rows = [
        {**dict(zip(SETTING, setting, strict=True)), **dict.fromkeys(SEEDS, 0), "step": 8}
        | {"grammar_seed": seed, "dataset_size": f"{size}", "level": level, "ceiling": CEILING}
        | {
            "quantity": quantity,
            "among": "all",
            "estimate": accuracy(quantity, setting, size, level),
        }
        for setting in GRAMMARS
        for seed in (0, 1)
        for size in SIZES
        for level in (1, 2, 3)
    ]
    return pd.DataFrame(rows)


def accuracy(quantity, setting, size, level):
    """Half of the way from chance where P is what is predicted."""
    chance = chance_accuracy(quantity, *setting, level)
    return chance + (CEILING - chance) * risen(size / predicted_size(*setting[:3], level))


def risen(share):
    return share / (1 + share)


def losses(measured):
    whole = {"split": "validation", "noise_low": 0.0, "noise_high": 1.0, "loss": 1.0}
    return measured[measured["level"] == 1].assign(**whole)


def points(quantity):
    rows = [(*setting, level, seed) for setting in GRAMMARS for level in (2, 3) for seed in (0, 1)]
    frame = pd.DataFrame(rows, columns=[*SETTING, "level", "grammar_seed"])
    status = np.where(frame["level"] == 2, "inside", "above")
    return frame.assign(quantity=quantity, variable="dataset_size", status=status)


def exponents(criterion, misfit):
    rows = [("m_exponent", 2.0, 9.0), ("law_exponent", 2.0, 9.0), ("law_exponent", np.nan, 1.01)]
    frame = pd.DataFrame(rows, columns=["quantity", "level", "estimate"])
    return frame.assign(low=0.67, high=1.36, misfit=misfit, criterion=criterion)


def laws(criterion):
    rows = [("m^(l+1)", 0.9, -0.01), ("m^l", 0.8, np.nan), ("m^(l+3/2)", 0.91, np.nan)]
    frame = pd.DataFrame(rows, columns=["law", "explained", "lead"])
    return frame.assign(explained_low=0.85, explained_high=0.96, settings=2, criterion=criterion)


def drawn(quantity, misfit=np.nan):
    analysis = SETTINGS.analysis.model_copy(update={"accuracy": quantity})
    measured = measurements(quantity)
    copies = measured[measured["level"] == 1].assign(quantity="copied_fraction", estimate=0.1)
    return accuracy_vs_dataset_size.draw(
        SETTINGS.model_copy(update={"analysis": analysis}),
        pd.concat([measured, copies]),
        losses(measured),
        points(quantity),
        exponents(quantity, misfit),
        laws(quantity),
    ).axes


def horizontal(panel, style):
    return [line for line in panel.lines if line.get_linestyle() == style]


@pytest.mark.parametrize(("quantity", "lines"), [("conditional_accuracy", 1), ("node_accuracy", 3)])
def test_chance_is_a_line_for_every_level_or_one_if_it_is_the_same(quantity, lines):
    panel, _ = drawn(quantity)
    expected = [chance_accuracy(quantity, *GRAMMARS[0], level) for level in (1, 2, 3)]
    found = horizontal(panel, "-.")
    assert [line.get_ydata()[0] for line in found] == pytest.approx(expected[:lines])
    assert [text.get_text() for text in panel.get_legend().get_texts()].count("chance") == 1


@pytest.mark.parametrize("quantity", ["conditional_accuracy", "node_accuracy"])
def test_all_settings_and_levels_from_2_up_fall_on_one_curve_of_the_prediction(quantity):
    _, panel = drawn(quantity)
    assert len(panel.lines) == 4
    for line in panel.lines:
        np.testing.assert_allclose(line.get_ydata(), risen(line.get_xdata()))


def test_curves_that_the_numbers_are_of_are_filled():
    _, panel = drawn("conditional_accuracy")
    filled = [line.get_markerfacecolor() != "white" for line in panel.lines]
    assert filled == [True, False, True, False]  # levels 2 and 3 of both settings


def test_the_numbers_beside_it_are_those_of_the_tables():
    _, panel = drawn("conditional_accuracy", misfit=0.25)
    power, fit, explained, rival = panel.get_title(loc="left").splitlines()
    assert power.endswith("to the power 1.01 [0.67, 1.36]")
    assert fit.endswith("p = 0.25")
    assert explained == "explained of 2 settings, each held out: 0.90 [0.85, 0.96]"
    assert rival == r"by the best rival, $m^{\ell+3/2}$: 0.91"


@pytest.mark.parametrize(
    ("left_out", "seeds", "stated"),
    [
        (None, ["grammar_seed"], "2"),
        (None, list(SEEDS), "2"),
        (1, ["grammar_seed"], "1 to 2"),
        (0, list(SEEDS), "1 to 2"),
    ],
)
def test_settings_may_have_other_numbers_of_grammars(left_out, seeds, stated):
    frame = measurements("node_accuracy")
    of_second = (frame["m"] == 4) & (frame["grammar_seed"] == left_out)
    assert style.per_setting(frame[~of_second], seeds) == stated
    assert style.per_setting(frame[:0], seeds) == "no"
