"""Exponents recovered from synthetic thresholds, and declined where nothing determines them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f

from pipeline.analysis.curves import predicted_size
from pipeline.analysis.exponents import exponents, lack_of_fit, usable
from pipeline.base.errors import PipelineError
from tests.unit.test_bootstrap import nested_noise, replicas

V_M = [(8, 3), (8, 4), (16, 3), (16, 4)]


def thresholds(law, settings=((8, 3),), levels=(1, 2, 3), noise=0.0, key=0, design=(4, 2, 1)):
    """Table whose thresholds are law(v, m, s, level), off by a factor common to a replica's levels
    and by factors of their own, each nested in the replica's grammar, data and network."""
    parts = []
    for index, (v, m) in enumerate(settings):
        for level in levels:
            frame = replicas(*design).assign(v=v, m=m, level=level, variable="dataset_size")
            off = sum(
                nested_noise(
                    (noise, noise / 2, noise / 2), (1, *design), 1000 * key + 10 * index + i
                )
                for i in (0, level)
            )
            size, predicted = law(v, m, 2, level), predicted_size(v, m, 2, level)
            parts.append(frame.assign(threshold=size * np.exp(off.ravel()), predicted=predicted))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(status="inside", quantity="conditional_accuracy")


def plain(v, m, s, level):
    return 7.0 * v * m ** (level + 1.0)


def find(table, quantity, level=np.nan, variable="dataset_size"):
    level_fits = table["level"].isna() if np.isnan(level) else table["level"] == level
    fits = (table["quantity"] == quantity) & (table["variable"] == variable) & level_fits
    assert fits.sum() == 1
    return table[fits].iloc[0]


def test_noiseless_thresholds_give_the_exponents_exactly():
    table = exponents(thresholds(predicted_size, V_M), 50, 1)
    for quantity in ("level_exponent", "law_exponent"):
        row = find(table, quantity)
        assert list(row[["estimate", "low", "high", "prediction"]]) == pytest.approx([1, 1, 1, 1])
        assert (row["grammars"], row["replicas"]) == (16, 32)
    for level in (1, 2, 3):
        assert find(table, "m_exponent_adjusted", level)["estimate"] == pytest.approx(level + 1)
        assert find(table, "v_exponent_adjusted", level)["estimate"] == pytest.approx(1)
    assert find(table, "m_exponent", 2)["estimate"] > 3.1  # the factor grows with m
    assert find(table, "m_exponent", 2)["prediction"] == 3
    assert np.isnan(find(table, "m_exponent", 1)["prediction"])


def test_without_the_factor_the_plain_exponents_are_exact():
    table = exponents(thresholds(plain, V_M), 50, 1)
    for level in (2, 3):
        assert find(table, "m_exponent", level)["estimate"] == pytest.approx(level + 1)
        assert find(table, "v_exponent", level)["estimate"] == pytest.approx(1)


def test_another_power_is_not_taken_for_the_law():
    table = exponents(thresholds(lambda v, m, s, level: v * m ** (2.0 * level)), 50, 1)
    assert find(table, "level_exponent")["estimate"] == pytest.approx(2)


def test_intervals_contain_the_truth():
    table = exponents(thresholds(plain, V_M, noise=0.2, key=3), 400, 1)
    known = table[(table["level"] >= 2) & ~table["quantity"].str.endswith("adjusted")]
    known = pd.concat([known, table[table["quantity"] == "level_exponent"]])
    assert len(known) == 7
    assert (known["low"] < known["prediction"]).all()
    assert (known["prediction"] < known["high"]).all()
    assert (known["high"] - known["low"] < 3).all()


def test_one_setting_determines_no_exponent_of_m_or_v():
    table = exponents(thresholds(plain), 50, 1)
    assert set(table["quantity"]) == {"level_exponent"}


def test_settings_where_m_and_v_rise_together_determine_neither():
    table = exponents(thresholds(plain, [(9, 3), (16, 4)]), 50, 1)
    assert set(table["quantity"]) == {"level_exponent", "law_exponent"}


def test_a_sweep_of_m_determines_its_exponent_alone():
    table = exponents(thresholds(plain, [(16, 3), (16, 4), (16, 6)]), 50, 1)
    assert find(table, "m_exponent", 3)["estimate"] == pytest.approx(4)
    assert not table["quantity"].str.startswith("v_").any()


@pytest.mark.parametrize("levels", [(1, 2), (1,)])
def test_a_single_level_determines_no_slope_over_levels(levels):
    assert exponents(thresholds(plain, levels=levels), 50, 1).empty


def test_a_single_grammar_gives_a_slope_without_interval():
    row = find(exponents(thresholds(plain, design=(1, 2, 2)), 50, 1), "level_exponent")
    assert row["estimate"] == pytest.approx(1)
    assert np.isnan([row["low"], row["high"]]).all()
    assert (row["grammars"], row["replicas"]) == (1, 4)


def test_a_level_counts_in_the_settings_where_all_are_inside_the_range():
    table = thresholds(plain, V_M[:2])
    late = (table["m"] == 3) & (table["level"] == 3) & (table["grammar_seed"] == 0)
    table.loc[late, ["threshold", "status"]] = 1e9, "above"
    found = usable(table, "dataset_size").groupby("m")["level"].unique()
    assert found.map(list).to_dict() == {3: [1, 2], 4: [1, 2, 3]}
    row = find(exponents(table, 50, 1), "level_exponent")
    assert row["estimate"] == pytest.approx(1)
    assert row["grammars"] == 4  # those of the other setting


def test_training_steps_have_an_exponent_over_levels_only():
    table = exponents(thresholds(plain, V_M).assign(variable="step"), 50, 1)
    assert list(table["quantity"]) == ["level_exponent"]
    assert find(table, "level_exponent", variable="step")["estimate"] == pytest.approx(1)


def test_two_quantities_at_once_are_refused():
    table = thresholds(plain)
    with pytest.raises(PipelineError, match="several quantities"):
        exponents(pd.concat([table, table]), 50, 1)


def test_no_rows_give_no_exponents():
    assert exponents(thresholds(plain).assign(status="above"), 50, 1).empty


def test_the_law_has_a_constant_for_every_level_of_every_shape():
    """Between levels and shapes anything may happen; within them it is the law."""

    def shifted(v, m, s, level):
        return predicted_size(v, m, s, level) * {1: 1.0, 2: 9.0, 3: 0.1}[level]

    other = thresholds(lambda *a: 100.0 * shifted(*a), V_M).assign(L=4)
    table = exponents(pd.concat([thresholds(shifted, V_M), other]), 50, 1)
    for level in (np.nan, 2, 3):
        row = find(table, "law_exponent", level)
        assert list(row[["estimate", "low", "high"]]) == pytest.approx([1, 1, 1])


def test_the_misfit_is_that_of_an_f_test():
    """Against the sum of squares of a full model, worked out by least squares."""
    frame = thresholds(plain, V_M, levels=(2, 3), noise=0.3, design=(5, 1, 1))
    x, y = (np.log(frame[name].to_numpy()) for name in ("predicted", "threshold"))
    level = np.eye(2)[frame["level"] - 2]
    line = np.column_stack([level, x])
    cell = np.eye(8)[frame.groupby(["v", "m", "level"]).ngroup()]
    left = [((y - d @ np.linalg.lstsq(d, y)[0]) ** 2).sum() for d in (line, cell)]
    ratio = (left[0] - left[1]) / (8 - 3) / (left[1] / (len(y) - 8))
    assert lack_of_fit(frame, x, y) == pytest.approx(f.sf(ratio, 5, len(y) - 8))


def test_a_true_line_is_missed_by_chance_as_often_as_said():
    found = [
        lack_of_fit(frame, np.log(frame["predicted"]), np.log(frame["threshold"]))
        for frame in (
            thresholds(plain, V_M, (2,), 0.3, key, (4, 2, 1)).assign(
                predicted=lambda frame: plain(frame["v"], frame["m"], 2, 2)
            )
            for key in range(200)
        )
    ]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.04)


def test_as_many_settings_as_parameters_have_no_misfit():
    frame = thresholds(plain, V_M[:2], levels=(2,), noise=0.3)
    assert np.isnan(lack_of_fit(frame, np.log(frame["predicted"]), np.log(frame["threshold"])))
