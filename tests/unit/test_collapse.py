"""The collapse as a number: 1 where curves of all settings are one, and which law makes them so."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.collapse import collapse, explained_variance
from pipeline.analysis.laws import LAWS, REFERENCE, comparable
from tests.unit.test_bootstrap import replicas
from tests.unit.test_laws import MANY, obeying

SIZES = 2.0 ** np.arange(4, 20)


def curves(size, settings=MANY, levels=(2, 3), noise=0.0, grammars=3, chance=0.2):
    """Accuracies that rise from chance to 0.9, half-way at `size`, of grammars that differ."""
    rng, parts = np.random.default_rng(0), []
    for v, m in settings:
        for level in levels:
            frame = replicas(grammars, 1, 1).assign(v=v, m=m, level=level)
            half = size(v, m, 2, level) * np.exp(noise * rng.standard_normal(grammars))
            for P in SIZES:
                risen = 1 / (1 + (half / P) ** 2)
                parts.append(frame.assign(dataset_size=P, estimate=chance + (0.9 - chance) * risen))
    return pd.concat(parts, ignore_index=True).assign(chance=chance, ceiling=0.9)


def explained(frame):
    table = collapse(frame)
    return table.set_index(["law", "factor"])


@pytest.mark.parametrize(("law", "factor"), LAWS)
def test_the_law_that_holds_collapses_the_curves_and_no_other_does(law, factor):
    table = explained(curves(obeying(law, factor)))
    assert table["explained"].idxmax() == (law, factor)
    assert table.loc[(law, factor), "explained"] > 0.999
    assert table["explained"].drop((law, factor)).max() < 0.999


def test_only_the_prediction_has_a_lead_and_that_is_over_other_powers():
    table = explained(curves(obeying("m^(l+1)", True), noise=0.1))
    lead = table["lead"].dropna()
    assert list(lead.index) == [LAWS[REFERENCE]]
    others = table["explained"].drop([("m^(l+1)", True), ("m^(l+1)", False)])
    assert lead.item() == pytest.approx(table.loc[LAWS[REFERENCE], "explained"] - others.max())
    assert table.loc[LAWS[REFERENCE], "lead_low"] > 0


def test_a_rival_that_holds_leaves_the_prediction_behind():
    table = explained(curves(obeying("m^(l+2)"), noise=0.1))
    assert table.loc[LAWS[REFERENCE], "lead_high"] < 0


def test_grammars_that_differ_are_not_explained():
    values = [
        explained(curves(obeying("m^(l+1)", True), noise=noise)).loc[LAWS[REFERENCE], "explained"]
        for noise in (0.0, 0.3, 1.0)
    ]
    assert values[0] > values[1] > values[2]


def test_a_curve_of_another_setting_than_its_own_is_what_predicts_it():
    """Two settings, each point known: what is missed is the distance from the other curve."""
    points = {3: [(16, 0.0), (64, 1.0)], 6: [(32, 0.25), (256, 0.5)]}
    frame = pd.concat(
        replicas(1, 1, 1).assign(v=64, m=m, level=2, dataset_size=P, estimate=y)
        for m, rows in points.items()
        for P, y in rows
    )
    frame = comparable(frame.assign(chance=0.0, ceiling=1.0))
    found = explained_variance(frame)(np.ones((1, 4)))[0]
    x = {m: np.log([P / m**2 for P, _ in rows]) for m, rows in points.items()}
    y = {m: np.array([value for _, value in rows]) for m, rows in points.items()}
    missed = sum(
        ((y[m] - np.interp(x[m], x[other], y[other])) ** 2).sum() for m, other in ((3, 6), (6, 3))
    )
    spread = np.var(np.concatenate(list(y.values()))) * 4
    assert found[LAWS.index(("m^l", False))] == pytest.approx(1 - missed / spread)


def test_one_setting_has_nothing_to_be_predicted_from():
    assert collapse(curves(obeying("m^l"), settings=[(8, 3)])).empty
