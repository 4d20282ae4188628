"""Thresholds of other widths against those of the study."""

import pandas as pd

from pipeline.claims.widths import width_table


def _thresholds(values, level=1, status="inside", variable="dataset_size"):
    """One threshold per grammar."""
    setting = {"v": 10, "m": 3, "s": 2, "L": 3, "data_seed": 0, "network_seed": 0}
    shared = {**setting, "level": level, "status": status, "variable": variable}
    return pd.DataFrame(
        [{**shared, "grammar_seed": seed, "threshold": t} for seed, t in enumerate(values)]
    )


def test_ratios_are_of_pairs():
    # three ratios of 2 whose thresholds differ a hundredfold: paired, they have no spread
    table = width_table(_thresholds([1, 10, 100]), {"wide": _thresholds([2, 20, 200])})
    assert "| wide | 10, 3, 2, 3 | 1 | 2 [2, 2] | 3 |" in table


def test_interval_is_students_over_logarithms():
    # ln ratios -1, 0, 1: standard error 1 / sqrt(3), t(2, 0.975) = 4.3027, half-width 2.4842
    table = width_table(
        _thresholds([1, 1, 1]), {"wide": _thresholds([1 / 2.718281828, 1, 2.718281828])}
    )
    assert "| 1 [0.0834, 12] | 3 |" in table


def test_what_is_not_shared_does_not_count():
    other = pd.concat([_thresholds([3, 3, 3]), _thresholds([3, 3], variable="step")])
    lines = width_table(_thresholds([1, 1]), {"wide": other}).splitlines()
    assert lines[2:] == ["| wide | 10, 3, 2, 3 | 1 | 3 [3, 3] | 2 |"]


def test_a_level_counts_only_if_all_its_pairs_are_inside():
    outside = _thresholds([1, 1])
    outside.loc[1, "status"] = "above"
    for own, other in ((outside, _thresholds([3, 3])), (_thresholds([3, 3]), outside)):
        assert len(width_table(own, {"wide": other}).splitlines()) == 2
