"""Reading learning curves: intervals, predictions and the choice of checkpoints."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_ind

from pipeline.analysis import curves
from tests import reference


def test_the_interval_of_the_mean_is_students():
    values = np.random.default_rng(0).normal(3, 2, size=7)
    low, high = student.interval(0.95, 6, values.mean(), values.std(ddof=1) / np.sqrt(7))
    assert curves.mean_interval(values) == pytest.approx((values.mean(), low, high))
    mean, low, high = curves.mean_interval(np.array([2]))
    assert mean == 2
    assert np.isnan([low, high]).all()


def test_predicted_sizes():
    assert curves.predicted_size(16, 4, 2, 1) == pytest.approx(16 * 16 / 0.75)
    assert curves.predicted_size(16, 4, 2, 3) == pytest.approx(16 * 256 / 0.75)
    assert curves.predicted_size(4, 3, 3, 2) == pytest.approx(4 * 27 / (13 / 16))
    assert curves.predicted_size(4, 4, 2, 1) == float("inf")


def test_chance_accuracy_is_the_share_of_strings_that_are_subtrees(any_language):
    grammar = any_language.grammar
    v, m, s = grammar.symbols, grammar.synonyms, grammar.branching
    for level in range(1, grammar.depth + 1):
        subtrees = [len(reference.subtree_strings(grammar, level, a)) for a in range(v)]
        share = sum(subtrees) / v ** (s**level)
        expected = {
            "node_accuracy": share,
            "string_accuracy": share ** (grammar.length // s**level),
            "conditional_accuracy": m / v ** (s - 1),
        }
        for quantity, chance in expected.items():
            found = curves.chance_accuracy(quantity, v, m, s, grammar.depth, level)
            assert found == pytest.approx(chance)


def table(rows, columns):
    frame = pd.DataFrame(rows, columns=["data_seed", "dataset_size", "step", *columns])
    return frame.assign(v=4, m=2, s=2, L=2, grammar_seed=0, network_seed=0)


def losses():
    whole = {"noise_low": 0.0, "noise_high": 1.0, "split": "validation"}
    rows = [(0, "8", 10, 0.9), (0, "8", 20, 0.5), (0, "8", 30, 0.7), (1, "8", 10, 0.4)]
    rows += [(1, "8", 20, 0.6), (0, "online", 10, 0.3), (0, "online", 20, 0.2)]
    good = table(rows, ["loss"]).assign(**whole)
    lures = [{"split": "training"}, {"split": "test"}, {"noise_high": 0.1}, {"noise_low": 0.9}]
    other = [good.iloc[[0, 4]].assign(loss=0.0, **(whole | lure)) for lure in lures]
    return pd.concat([*other, good], ignore_index=True)


def test_the_best_checkpoint_is_that_of_the_lowest_total_validation_loss():
    best = curves.best_checkpoints(losses()).set_index(["data_seed", "dataset_size"])["step"]
    assert best.to_dict() == {(0, "8"): 20, (1, "8"): 10, (0, "online"): 20}


def test_measurements_at_the_best_checkpoint():
    rows = [(seed, "8", step, seed + step) for seed in (0, 1) for step in (10, 20, 30)]
    best = curves.at_best_checkpoint(table(rows, ["estimate"]), losses())
    assert dict(zip(best["data_seed"], best["estimate"], strict=True)) == {0: 20, 1: 11}


def test_finite_sizes_are_numbers_and_leave_online_out():
    frame = table([(0, "8", 1), (0, "online", 1), (0, "16", 1)], [])
    assert curves.finite_sizes(frame)["dataset_size"].tolist() == [8, 16]


def test_the_interval_of_a_difference_is_that_of_welch():
    random = np.random.default_rng(0)
    one, other = random.normal(1, 1, 7), random.normal(0, 3, 5)
    expected = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    difference, low, high = curves.difference_interval(one, other)
    assert difference == pytest.approx(one.mean() - other.mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert curves.difference_interval([0, 0], [0, 0, 0]) == (0, 0, 0)
