"""The comparison of laws: the true one wins where the design can tell, and says where it cannot."""

import numpy as np
import pytest

from pipeline.analysis.laws import EXPONENTS, LAWS, candidate_laws, compare_laws, held_out_errors
from tests.unit.test_exponents import V_M, thresholds


def obeying(law, factor=False):
    def size(v, m, s, level):
        unused = 1 - m / v ** (s - 1) if factor else 1.0
        return 5.0 * v * float(m) ** EXPONENTS[law](level) / unused

    return size


def scores(table, held_out="grammar"):
    return table[table["held_out"] == held_out].set_index(["law", "factor"])


@pytest.mark.parametrize("held_out", ["grammar", "setting"])
@pytest.mark.parametrize(("law", "factor"), LAWS)
def test_a_law_that_holds_exactly_has_no_error_and_all_others_do(law, factor, held_out):
    table = scores(compare_laws(thresholds(obeying(law, factor), V_M), 50, 1), held_out)
    assert table["error"].idxmin() == (law, factor)
    assert table["error"].min() == pytest.approx(0, abs=1e-9)
    assert table["error"].drop((law, factor)).min() > 0.02
    assert set(table["settings"]) == {4}


@pytest.mark.parametrize("held_out", ["grammar", "setting"])
@pytest.mark.parametrize("law", EXPONENTS)
def test_a_law_that_holds_with_noise_wins_and_the_others_are_refuted(law, held_out):
    settings = [(16, 3), (16, 6)]
    table = compare_laws(thresholds(obeying(law), settings, noise=0.05, key=2), 300, 1)
    table = scores(table, held_out).xs(False, level="factor")
    assert table["error"].idxmin() == law
    assert table["error"].drop(law).min() > 1.5 * table["error"].min()
    against_reference = table.drop("m^(l+1)") if law == "m^(l+1)" else table.loc[[law]]
    sign = 1 if law == "m^(l+1)" else -1
    assert (sign * against_reference[["difference_low", "difference_high"]] > 0).all(axis=None)
    assert (table["error_low"] < table["error"]).all()
    assert (table["error"] < table["error_high"]).all()


def test_one_setting_tells_apart_laws_that_grow_differently_with_the_level():
    table = scores(compare_laws(thresholds(obeying("m^(l+1)"), noise=0.1), 300, 1))
    table = table.xs(True, level="factor")
    assert table.loc[["m^(l+1)", "m^l"], "difference"].isna().all()
    assert (table.loc[["m^(2l-1)", "m^3"], "difference_low"] > 0).all()


def test_the_error_is_that_of_the_noise():
    table = scores(compare_laws(thresholds(obeying("m^l"), noise=0.3, design=(40, 1, 1)), 50, 1))
    deviation = np.sqrt(2 * 1.5) * 0.3 / np.log(10)
    assert table["error"].min() == pytest.approx(deviation, rel=0.2)


def test_one_setting_does_not_tell_whether_the_factor_belongs():
    table = scores(compare_laws(thresholds(obeying("m^(l+1)"), noise=0.1), 50, 1))
    assert table["error"].xs(True, level="factor").to_numpy() == pytest.approx(
        table["error"].xs(False, level="factor").to_numpy()
    )
    assert np.isnan(table.loc[("m^(l+1)", False), "difference"])
    assert np.isfinite(table.loc[("m^3", True), "difference"])


def test_one_level_of_one_setting_tells_no_law_apart():
    table = compare_laws(thresholds(obeying("m^l"), levels=(1, 2), noise=0.1), 50, 1)
    assert table["difference"].isna().all()
    assert table["difference_low"].isna().all()
    assert np.ptp(table["error"]) < 1e-9
    assert set(table["levels"]) == {1}


def test_one_level_of_several_settings_tells_apart_only_other_powers():
    table = scores(compare_laws(thresholds(obeying("m^l"), V_M, levels=(2,)), 50, 1))
    differences = table["difference"].xs(True, level="factor")
    assert differences["m^l"] < 0
    assert differences[["m^3", "m^(2l-1)", "m^(l+1)"]].isna().all()


def test_nothing_is_held_out_of_a_single_grammar_and_no_setting_of_one():
    assert compare_laws(thresholds(obeying("m^l"), design=(1, 2, 2)), 50, 1).empty
    assert set(compare_laws(thresholds(obeying("m^l")), 50, 1)["held_out"]) == {"grammar"}


def test_single_grammars_of_several_settings_have_errors_without_intervals():
    table = compare_laws(thresholds(obeying("m^l"), V_M, design=(1, 1, 1)), 50, 1)
    assert table["error"].notna().all()
    assert table[["error_low", "difference_high"]].isna().all(axis=None)


def test_a_constant_is_fitted_without_the_fold_that_it_predicts():
    offsets, folds = np.array([[1.0], [3.0], [10.0]]), np.array([0, 0, 1])
    errors = held_out_errors(offsets, folds, np.ones(3))
    assert errors.ravel() == pytest.approx([1 - 10, 3 - 10, 10 - 2])
    errors = held_out_errors(offsets, folds, np.array([3.0, 1.0, 2.0]))
    assert errors.ravel() == pytest.approx([1 - 10, 3 - 10, 10 - 1.5])


def test_a_fold_with_all_the_weight_has_no_error():
    errors = held_out_errors(np.ones((3, 2)), np.array([0, 0, 1]), np.array([1.0, 3.0, 0.0]))
    assert np.isnan(errors[:2]).all()


def test_the_reference_is_the_prediction_of_the_table():
    table = thresholds(obeying("m^l"), V_M)
    reference = candidate_laws(table)[:, LAWS.index(("m^(l+1)", True))]
    assert reference == pytest.approx(table["predicted"].to_numpy())
