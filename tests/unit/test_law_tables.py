"""Tables of what studies say of the law, from half-way points that follow one."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway

from pipeline.analysis.curves import predicted_size
from pipeline.analysis.exponents import exponents
from pipeline.documents.law import law_table, ratio_table

SETTINGS = [(10, 2), (10, 3), (10, 4), (16, 3)]
FACTOR, PLAIN = "v m^(l+1) / (1 - m/v^(s-1))", "v m^(l+1)"


def points(size, settings=SETTINGS, levels=(1, 2), spread=0.2, criterion="excess_loss"):
    """Half-way points of three grammars, e^spread apart, around what `size(v, m, level)` says."""
    rows = [
        {"v": v, "m": m, "s": 2, "L": 3, "grammar_seed": seed, "data_seed": 0, "network_seed": 0,
         "level": level, "quantity": criterion, "variable": "dataset_size", "status": "inside",
         "threshold": size(v, m, level) * np.exp(spread * (seed - 1)),
         "predicted": predicted_size(v, m, 2, level)}
        for v, m in settings for level in levels for seed in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def slopes(frame):
    """Their exponents, by criterion."""
    found = [
        exponents(part, samples=200, key=1).assign(criterion=criterion)
        for criterion, part in frame.groupby("quantity")
    ]
    return pd.concat(found)


def cells(table):
    head, _, *rows = [line[2:-2].split(" | ") for line in table.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def rows_of_law(frame):
    return cells(law_table({"study_a": frame}, {"study_a": slopes(frame)}))


def test_what_follows_the_law_has_one_constant_with_the_factor_alone():
    with_factor, plain = rows_of_law(points(lambda v, m, level: 2 * predicted_size(v, m, 2, level)))
    assert (with_factor["law"], plain["law"]) == (FACTOR, PLAIN)
    assert with_factor["study"] == "`study_a`"
    assert with_factor["constant, by setting"] == "2.00 to 2.00"
    assert with_factor["p"] == "1"
    assert with_factor["power of m"].startswith("3.00 [")
    assert with_factor["power of v (law: 1)"].startswith("1.00 [")
    # 1 / (1 - m/v) is 1.23 at v = 16, m = 3, and 1.67 at v = 10, m = 4
    assert plain["constant, by setting"] == "2.46 to 3.33"
    assert plain["settings, grammars"] == "4, 12"


def test_p_is_near_that_of_an_analysis_of_variance_where_spreads_are_alike():
    frame = points(lambda v, m, level: predicted_size(v, m, 2, level) * 1.2 ** (m - 2))
    (row, _) = rows_of_law(frame)
    logs = np.log(frame["threshold"] / frame["predicted"])[frame["level"] == 2]
    groups = [part.to_numpy() for _, part in logs.groupby([frame["v"], frame["m"]])]
    # the test of unequal spreads has less power, by little
    assert f_oneway(*groups).pvalue < float(row["p"]) < 4 * f_oneway(*groups).pvalue


def test_each_setting_has_a_spread_of_its_own():
    # One setting of large spread hides no other's departure, as a pooled variance would.
    frame = points(lambda v, m, level: predicted_size(v, m, 2, level) * (2 if m == 4 else 1))
    wide = (frame["v"] == 16) & (frame["grammar_seed"] != 1)
    frame.loc[wide, "threshold"] *= np.exp(2.0 * (frame.loc[wide, "grammar_seed"] - 1))
    (row, _) = rows_of_law(frame)
    logs = np.log(frame["threshold"] / frame["predicted"])[frame["level"] == 2]
    groups = [part.to_numpy() for _, part in logs.groupby([frame["v"], frame["m"]])]
    assert float(row["p"]) < 0.1
    assert f_oneway(*groups).pvalue > 0.5


def test_levels_count_where_two_settings_have_all_grammars_in_range():
    frame = points(predicted_size_of, SETTINGS[:2], levels=(1, 2, 3))
    frame.loc[(frame["level"] == 3) & (frame["m"] == 3), "status"] = "above"
    assert [row["level"] for row in rows_of_law(frame)] == ["2", "2"]
    assert rows_of_law(frame)[0]["power of v (law: 1)"] == "-"
    assert cells(law_table({"study_a": frame[frame["m"] == 2]}, {"study_a": slopes(frame)})) == []


def predicted_size_of(v, m, level):
    return predicted_size(v, m, 2, level)


@pytest.mark.parametrize(("power", "found"), [(1, "1.00"), (2, "2.00"), (0, "0.00")])
def test_ratios_of_levels_tell_powers_of_m_whatever_the_factor(power, found):
    # level 1 has a constant of its own, and the factor of the prediction, as level 2 has
    def size(v, m, level):
        own = 0.1 if level == 1 else 1.0
        return own * v * m**3 * m ** (power * (level - 1)) / (1 - m / v)

    frame = points(size)
    steps = frame.assign(variable="step", threshold=1.0)
    (row,) = cells(ratio_table({"study_a": pd.concat([frame, steps])}))
    assert row["ratio"] == "P*_2 / P*_1"
    assert row["power of m"] == f"{found} [{found}, {found}]"
    assert row["power of v (all: 0)"] == "0.00 [0.00, 0.00]"
    assert (row["m^(l+1)"], row["m^(2l-1)"], row["m^3"]) == ("1", "2", "0")


def test_ratios_are_those_of_one_grammar():
    frame = points(predicted_size_of)
    frame.loc[frame["level"] == 1, "status"] = "below"
    assert cells(ratio_table({"study_a": frame})) == []
    of_one_setting = points(predicted_size_of, SETTINGS[:1])
    assert cells(ratio_table({"study_a": of_one_setting})) == []
