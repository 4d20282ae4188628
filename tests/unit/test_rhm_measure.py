"""Observables of the Random Hierarchy Model on samples whose values are known exactly."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from pipeline.domains.rhm.measure import observe
from pipeline.grammar.correlations import common_ancestor_level
from tests import reference

SETTINGS = {"blocks": 8, "random_halves": 3, "bootstrap_samples": 100, "largest_error": 0.25}


def shuffled_blocks(strings, size):
    """Every combination of one string's first block with any string's second block, and so on."""
    blocks = [
        np.unique(strings[:, i : i + size], axis=0, return_counts=True)
        for i in range(0, strings.shape[1], size)
    ]
    whole = np.zeros((1, 0), dtype=int)
    for tokens, counts in blocks:
        part = np.repeat(tokens, counts // np.gcd.reduce(counts), axis=0)
        left = np.repeat(whole, len(part), axis=0)
        whole = np.concatenate([left, np.tile(part, (len(whole), 1))], axis=1)
    return whole


def observed(language, samples):
    """Rows on samples so arranged that every block of them is all of them."""
    tiled = np.tile(samples, (SETTINGS["blocks"], 1)).astype(np.uint8)
    return list(observe(language.grammar, {"tokens": tiled}, known(language.strings), SETTINGS))


def known(strings):
    """The first strings are for training, all are held out."""
    splits = {"training": strings[:4], "validation": strings, "test": strings}
    return {name: split.astype(np.uint8) for name, split in splits.items()}


def value(rows, quantity):
    [row] = [row for row in rows if row.quantity == quantity and row.among == "all"]
    return row.estimate


def test_the_coherence_length_of_the_data_is_the_length_of_a_string(any_language):
    rows = observed(any_language, any_language.strings)
    assert value(rows, "coherence_length") == pytest.approx(any_language.grammar.length)


@pytest.mark.parametrize("level", [0, 1])
def test_the_coherence_length_of_shuffled_blocks_is_their_size(small, level):
    rows = observed(small, shuffled_blocks(small.strings, 2**level))
    assert value(rows, "coherence_length") == pytest.approx(2**level)
    ratios = [row for row in rows if row.quantity == "correlation_ratio" and row.level]
    expected = [float(row.level <= level) for row in ratios]
    assert [row.estimate for row in ratios] == pytest.approx(expected, abs=1e-12)


def test_the_coherence_length_of_shuffled_halves_of_longer_strings_is_their_size(deep):
    halves = [deep.strings[:, :4], deep.strings[:, 4:]]
    rng = np.random.default_rng(0)
    samples = np.concatenate([np.tile(half, (20, 1))[rng.permutation(7680)] for half in halves], 1)
    rows = list(observe(deep.grammar, {"tokens": samples}, known(deep.strings), SETTINGS))
    [row] = [row for row in rows if row.quantity == "coherence_length"]
    assert abs(row.estimate - 4) < 5 * row.standard_error
    assert row.standard_error < 0.5


def test_squared_correlations_of_the_data_agree_with_enumeration(deep):
    found = [row for row in observed(deep, deep.strings) if row.quantity == "squared_correlation"]
    squares = {
        (i, j): np.square(reference.excess(deep.strings, 3, i, j)).mean()
        for i, j in combinations(range(8), 2)
    }
    for row in found:
        if row.level is not None:
            group = [s for p, s in squares.items() if common_ancestor_level(2, *p) == row.level]
        else:
            group = [s for (i, j), s in squares.items() if j - i == row.distance]
        assert row.estimate == pytest.approx(np.mean(group))
        assert row.count == 8 * 384


def test_every_observable_has_one_row_per_level_or_distance(deep):
    rows = observed(deep, deep.strings)
    keys = [(row.quantity, row.among, row.level, row.distance) for row in rows]
    assert len(set(keys)) == len(keys)
    assert Counter(row.quantity for row in rows) == {
        "node_accuracy": 9,
        "conditional_accuracy": 9,
        "string_accuracy": 6,
        "copied_fraction": 1,
        "valid_and_novel_fraction": 1,
        "distinct_fraction": 1,
        "copied_excess": 1,
        "coverage": 1,
        "rule_usage_divergence": 6,
        "training_rule_usage_divergence": 3,
        "squared_correlation": 3 + 7,
        "correlation_ratio": 3 + 7,
        "equivalent_block_length": 1,
        "coherence_length": 1,
    }
    assert value(rows, "copied_fraction") == pytest.approx(4 / 384)
    assert value(rows, "distinct_fraction") == pytest.approx(1 / 8)
    assert value(rows, "valid_and_novel_fraction") == pytest.approx(380 / 384)
    assert value(rows, "copied_excess") == pytest.approx(0)
