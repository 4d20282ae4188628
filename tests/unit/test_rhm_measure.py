"""Observables of the Random Hierarchy Model on samples whose values are known exactly."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from pipeline.rhm.estimators.creativity import unseen_shares
from pipeline.rhm.grammar.correlations import common_ancestor_level, node_marginal
from pipeline.rhm.grammar.rules import sample_rules
from pipeline.rhm.measure import observe
from pipeline.rhm.settings import EQUAL, Measurement, UnevenSynonyms
from tests import reference

SETTINGS = Measurement(
    jackknife_blocks=8, random_halves=3, bootstrap_samples=100, largest_error=0.25
)


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
    tiled = np.tile(samples, (SETTINGS.jackknife_blocks, 1)).astype(np.uint8)
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
    ratios = [row for row in ratios if row.among == "all"]
    expected = [float(row.level <= level) for row in ratios]
    assert [row.estimate for row in ratios] == pytest.approx(expected, abs=1e-12)


def test_the_coherence_length_of_shuffled_halves_of_longer_strings_is_their_size(deep):
    halves = [deep.strings[:, :4], deep.strings[:, 4:]]
    rng = np.random.default_rng(0)
    samples = np.concatenate([np.tile(half, (20, 1))[rng.permutation(7680)] for half in halves], 1)
    rows = list(observe(deep.grammar, {"tokens": samples}, known(deep.strings), SETTINGS))
    [row, _] = [row for row in rows if row.quantity == "coherence_length"]
    assert abs(row.estimate - 4) < 5 * row.standard_error
    assert row.standard_error < 0.5


def test_squared_correlations_of_the_data_agree_with_enumeration(deep):
    """Each half is all strings, so that its own marginals take nothing; it is given back."""
    rows = observed(deep, deep.strings)
    found = [row for row in rows if row.quantity == "squared_correlation"]
    exact = [row.estimate for row in rows if row.quantity == "exact_squared_correlation"]
    half = 4 * 384
    given_back = (half / (half - 1)) ** 2
    expected = [given_back * square for square in exact]
    assert expected == pytest.approx([row.estimate for row in found[:3]])
    squares = {
        (i, j): np.square(reference.excess(deep.strings, 3, i, j)).mean()
        for i, j in combinations(range(8), 2)
    }
    for row in found:
        if row.level is not None:
            group = [s for p, s in squares.items() if common_ancestor_level(2, *p) == row.level]
        else:
            group = [s for (i, j), s in squares.items() if j - i == row.distance]
        assert row.estimate == pytest.approx(given_back * np.mean(group))
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
        "exact_squared_correlation": 3,
        "correlation_ratio": 2 * 3 + 7,
        "equivalent_block_length": 1,
        "coherence_length": 2,
        "creativity_index": 3,
        "unseen_share": 3,
    }
    assert value(rows, "copied_fraction") == pytest.approx(4 / 384)
    assert value(rows, "distinct_fraction") == pytest.approx(1 / 8)
    assert value(rows, "valid_and_novel_fraction") == pytest.approx(380 / 384)
    assert value(rows, "copied_excess") == pytest.approx(0)


def seen_blocks(strings, width):
    return {tuple(block) for string in strings for block in string.reshape(-1, width)}


def test_unseen_shares_are_those_of_enumerated_nodes(any_language):
    """Every string of a language is as likely, so its nodes can be counted."""
    grammar = any_language.grammar
    for size in (1, 4, 12):
        training = any_language.strings[:size]
        found = unseen_shares(grammar, training)
        for level, share in enumerate(found, 1):
            width = grammar.branching**level
            seen = seen_blocks(training, width)
            nodes = any_language.strings.reshape(-1, width)
            unseen = np.mean([tuple(node) not in seen for node in nodes])
            assert share == pytest.approx(unseen, abs=1e-12)
    assert unseen_shares(grammar, any_language.strings) == [0.0] * grammar.depth


@pytest.mark.parametrize("frequencies", [EQUAL, UnevenSynonyms(kind="uneven_synonyms", fewest=1)])
def test_nothing_is_unseen_of_all_strings_where_no_rule_leads_to_some_symbol(frequencies):
    grammar = sample_rules(7, 2, 2, 3, seed=9, rule_frequencies=frequencies)
    assert (node_marginal(grammar, 1, 0) == 0).any()
    (strings, *_), _, _ = reference.weighted_trees(grammar)
    assert unseen_shares(grammar, strings) == [0.0] * 3


def indices(rows):
    return [row.estimate for row in rows if row.quantity == "creativity_index"]


def test_who_knows_the_rules_is_as_creative_as_they_allow(any_language):
    rows = observed(any_language, any_language.strings)
    shares = unseen_shares(any_language.grammar, any_language.strings[:4])
    expected = [1.0 if share else np.nan for share in shares]
    assert indices(rows) == pytest.approx(expected, nan_ok=True)


def test_neither_copies_nor_what_is_invalid_is_creative(deep):
    copies = indices(observed(deep, deep.strings[:4]))
    assert copies == pytest.approx([0.0] * 3)
    pairs = reference.every_string(3, 2)
    wrong = next(
        pair for pair, parent in zip(pairs, deep.grammar.inverse[0], strict=True) if parent < 0
    )
    rows = observed(deep, np.concatenate([deep.strings, np.tile(wrong, (99, 4))]))
    assert indices(rows) == pytest.approx([1.0] * 3)


def test_who_puts_seen_blocks_together_is_creative_above_them_only(deep):
    """Half strings of the training set, in any order: all level-2 nodes were seen."""
    samples = shuffled_blocks(deep.strings[:40], 4)
    tiled = np.tile(samples, (SETTINGS.jackknife_blocks, 1)).astype(np.uint8)
    strings = known(deep.strings) | {"training": deep.strings[:40].astype(np.uint8)}
    low, middle, _ = indices(list(observe(deep.grammar, {"tokens": tiled}, strings, SETTINGS)))
    assert middle == pytest.approx(0.0)
    assert np.isnan(low) or low == pytest.approx(0.0)


def test_without_enough_novel_strings_they_have_no_coherence_length(deep):
    rows = observed(deep, deep.strings[:4])
    [whole, novel] = [row for row in rows if row.quantity == "coherence_length"]
    assert np.isfinite(whole.estimate)
    assert np.isnan(novel.estimate)
    assert (novel.among, novel.count) == ("novel_strings", 0)
