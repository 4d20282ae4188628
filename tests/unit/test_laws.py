"""The comparison of laws: the true one wins where the design can tell, and says where it cannot."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.laws import (
    EXPONENTS,
    LAWS,
    REFERENCE,
    candidate_laws,
    comparable,
    compare_laws,
    held_out_errors,
    held_out_positions,
)
from tests.unit.test_exponents import V_M, thresholds

MANY = [*V_M, (8, 6), (16, 8)]


def obeying(law, factor=False):
    def size(v, m, s, level):
        unused = 1 - m / v ** (s - 1) if factor else 1.0
        return 5.0 * v * float(m) ** EXPONENTS[law](level) / unused

    return size


def scores(table):
    return table.set_index(["law", "factor"])


@pytest.mark.parametrize(("law", "factor"), LAWS)
def test_a_law_that_holds_exactly_has_no_error_and_all_others_do(law, factor):
    table = scores(compare_laws(thresholds(obeying(law, factor), MANY), 50, 1))
    assert table["error"].idxmin() == (law, factor)
    assert table["error"].min() == pytest.approx(0, abs=1e-9)
    assert table["error"].drop((law, factor)).min() > 0.02
    assert set(table["settings"]) == {6}


@pytest.mark.parametrize("law", EXPONENTS)
def test_a_law_that_holds_with_noise_wins_and_the_others_are_refuted(law):
    noisy = thresholds(obeying(law), MANY, noise=0.05, key=2)
    table = scores(compare_laws(noisy, 300, 1)).xs(False, level="factor")
    assert table["error"].idxmin() == law
    if law != "m^(l+1)":
        assert table.loc[law, "difference_high"] < 0
    assert (table["error_low"] < table["error"]).all()
    assert (table["error"] < table["error_high"]).all()


def test_a_constant_for_every_level_leaves_one_setting_without_a_comparison():
    assert compare_laws(thresholds(obeying("m^(l+1)"), noise=0.1), 300, 1).empty
    one_shape = thresholds(obeying("m^(l+1)")).assign(s=3)
    both = pd.concat([thresholds(obeying("m^(l+1)")), one_shape])
    assert comparable(both).empty


def test_the_error_is_that_of_the_noise():
    noisy = thresholds(obeying("m^l"), V_M, noise=0.3, design=(40, 1, 1))
    deviation = np.sqrt(2 * 1.5) * 0.3 / np.log(10)
    assert scores(compare_laws(noisy, 50, 1))["error"].min() == pytest.approx(deviation, rel=0.2)


def test_level_2_tells_apart_only_other_powers():
    table = scores(compare_laws(thresholds(obeying("m^l"), V_M, levels=(2,)), 50, 1))
    differences = table["difference"].xs(True, level="factor")
    assert differences["m^l"] < 0
    assert differences[["m^3", "m^(2l-1)"]].isna().all()


def test_settings_of_one_m_do_not_tell_its_power():
    table = scores(compare_laws(thresholds(obeying("m^l"), [(8, 3), (16, 3)]), 50, 1))
    assert table["difference"].xs(True, level="factor").drop("m^(l+1)").isna().all()


def test_single_grammars_of_several_settings_have_errors_without_intervals():
    table = compare_laws(thresholds(obeying("m^l"), V_M, design=(1, 1, 1)), 50, 1)
    assert table["error"].notna().all()
    assert table[["error_low", "difference_high"]].isna().all(axis=None)


def rows(*settings):
    columns = ["m", "level"]
    return pd.DataFrame(settings, columns=columns).assign(v=16, s=2, L=3)


def test_a_constant_is_fitted_to_the_same_level_of_other_settings():
    frame = rows((2, 2), (2, 2), (3, 2), (2, 3), (3, 3))
    offsets = np.array([[1.0], [3.0], [10.0], [50.0], [70.0]])
    weights = np.array([[1.0, 1, 1, 1, 1], [3, 1, 2, 1, 1]])
    errors = held_out_errors(frame, offsets, weights)[:, :, 0]
    assert errors[0] == pytest.approx([1 - 10, 3 - 10, 10 - 2, -20, 20])
    assert errors[1] == pytest.approx([1 - 10, 3 - 10, 10 - 1.5, -20, 20])


def test_a_setting_with_all_the_weight_has_no_error():
    errors = held_out_errors(rows((2, 2), (2, 2), (3, 2)), np.ones((3, 2)), np.array([[1.0, 3, 0]]))
    assert np.isnan(errors[0, :2]).all()


@pytest.mark.parametrize(("law", "factor"), LAWS)
def test_the_place_of_a_law_that_is_true_is_one_and_that_of_the_reference_is_zero(law, factor):
    frame = comparable(thresholds(obeying(law, factor), MANY))
    (places,) = held_out_positions(frame)(np.ones((1, len(frame))))
    if LAWS.index((law, factor)) == REFERENCE:
        assert np.delete(places, REFERENCE) == pytest.approx(0, abs=1e-9)
    else:
        assert places[LAWS.index((law, factor))] == pytest.approx(1)
    assert np.isnan(places[REFERENCE])


def test_half_way_between_two_laws_is_a_half():
    def between(v, m, s, level):
        laws = [obeying(law, True)(v, m, s, level) for law in ("m^(l+1)", "m^l")]
        return np.sqrt(np.prod(laws))

    frame = comparable(thresholds(between, MANY))
    (places,) = held_out_positions(frame)(np.ones((1, len(frame))))
    assert places[LAWS.index(("m^l", True))] == pytest.approx(0.5)


def test_the_reference_is_the_prediction_of_the_table():
    table = thresholds(obeying("m^l"), V_M)
    reference = candidate_laws(table)[:, REFERENCE]
    assert reference == pytest.approx(table["predicted"].to_numpy())
