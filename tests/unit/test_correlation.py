"""Correlation estimates: unbiased where the plug-in is not, exact where enumeration is."""

from itertools import combinations, product

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.measurement.correlation import (
    PairCounts,
    _half_products,
    projections,
    squared_correlations,
)
from pipeline.rhm.grammar.rules import sample_rules
from tests import reference

PAIRS = [np.array([[0, 1], [2, 3]]), np.array([[0, 2], [0, 3], [1, 2], [1, 3]])]


def exact_excess(strings, symbols):
    d = strings.shape[1]
    table = np.zeros((d, symbols, d, symbols))
    for i, j in combinations(range(d), 2):
        table[i, :, j] = reference.excess(strings, symbols, i, j)
    return table


def group_means(table, groups):
    return [np.mean([np.square(table[i, :, j]).mean() for i, j in group]) for group in groups]


def excess(counts, blocks):
    """By two positions, from J pair by pair."""
    found = counts.excess(np.isin(np.arange(len(counts.joint)), blocks))
    pairs = list(combinations(range(counts.marginal.shape[1]), 2))
    assert counts.places(np.array(pairs)).tolist() == list(range(len(pairs)))
    return dict(zip(pairs, found, strict=True))


def draws(strings, count, seed):
    return strings[np.random.default_rng(seed).integers(len(strings), size=count)]


def test_excess_of_all_samples_is_their_covariance():
    tokens = np.random.default_rng(0).integers(0, 3, size=(83, 4))
    counts = PairCounts.of(tokens, 3, blocks=8)
    assert counts.size == 10
    found, chosen = excess(counts, range(8)), excess(counts, [1, 7])
    for i, j in combinations(range(4), 2):
        expected = reference.excess(tokens[:80], 3, i, j)
        np.testing.assert_allclose(found[i, j], expected, atol=1e-14)
        part = reference.excess(np.concatenate([tokens[10:20], tokens[70:80]]), 3, i, j)
        np.testing.assert_allclose(chosen[i, j], part, atol=1e-14)


def test_independent_tokens_have_no_correlation_on_average_but_the_plug_in_does():
    found, plug_in = [], []
    for seed in range(150):
        tokens = np.random.default_rng(seed).integers(0, 4, size=(160, 4))
        counts = PairCounts.of(tokens, 4, blocks=16)
        found.append([value for value, _ in squared_correlations(counts, PAIRS, 10)])
        table = excess(counts, range(16))
        plug_in.append([np.mean([np.square(table[i, j]) for i, j in group]) for group in PAIRS])
    found, plug_in = np.array(found), np.array(plug_in)
    floor = (1 - 1 / 4) ** 2 / 4**2 / 160  # mean of J**2 over symbols at sample size 160
    np.testing.assert_allclose(plug_in.mean(axis=0), floor, rtol=0.15)
    error = found.std(axis=0) / np.sqrt(150)
    assert (np.abs(found.mean(axis=0)) < 4.5 * error).all()
    assert (plug_in.mean(axis=0) > 10 * error).all()


@pytest.mark.parametrize(
    ("strings", "blocks"),
    [([[0, 0], [1, 1]], 4), ([[0, 0], [0, 0], [1, 1]], 6), ([[0, 0], [0, 1], [1, 1]], 6)],
    ids=["two strings", "unequal strings", "an uneven correlation"],
)
def test_the_mean_of_squared_correlations_over_all_samples_is_exact(strings, blocks):
    """Every sample of so few strings, drawn with repetition, has the same probability."""
    strings, group, size = np.array(strings), [np.array([[0, 1]])], 8 if blocks == 4 else 6
    (expected,) = group_means(exact_excess(strings, 2), group)
    found = [
        squared_correlations(PairCounts.of(strings[list(drawn)], 2, blocks), group, 1)[0][0]
        for drawn in product(range(len(strings)), repeat=size)
    ]
    assert np.mean(found) == pytest.approx(expected, rel=1e-12)


def test_what_is_left_out_is_unbiased_too(small):
    """Estimates without a block are those of all other samples, in the same halves."""
    tokens = draws(small.strings, 60, 3)
    counts = PairCounts.of(tokens, 3, blocks=6)
    half = np.array([True, False, True, False, True, False])
    without = np.delete(tokens.reshape(6, 10, -1), 2, axis=0)
    ours, theirs = without[[0, 3]].reshape(20, -1), without[[1, 2, 4]].reshape(30, -1)
    table = {}
    for i, j in combinations(range(4), 2):
        one, other = (np.cov(x, bias=False) for x in _indicators(ours, theirs, i, j))
        table[i, j] = np.mean(one[:3, 3:] * other[:3, 3:])
    np.testing.assert_allclose(_half_products(counts, half)[3], [*table.values()], rtol=1e-12)


def _indicators(ours, theirs, i, j):
    for tokens in (ours, theirs):
        yield np.concatenate([np.eye(3)[tokens[:, i]].T, np.eye(3)[tokens[:, j]].T])


@pytest.mark.parametrize(("blocks", "size"), [(2, 100), (4, 1), (8, 0)])
def test_too_few_samples_for_halves_are_refused(blocks, size):
    counts = PairCounts.of(np.zeros((blocks * size, 2), int), 2, blocks)
    with pytest.raises(PipelineError, match=rf"blocks = {blocks} of {size} samples each"):
        squared_correlations(counts, [np.array([[0, 1]])], 1)


def test_squared_correlations_agree_with_enumeration_within_their_errors(small):
    expected = group_means(exact_excess(small.strings, 3), PAIRS)
    pulls = []
    for seed in range(40):
        counts = PairCounts.of(draws(small.strings, 1600, seed), 3, blocks=16)
        found = squared_correlations(counts, PAIRS, 10)
        pulls.append([(v - e) / error for (v, error), e in zip(found, expected, strict=True)])
    pulls = np.array(pulls)
    assert (np.abs(pulls.mean(axis=0)) < 5 / np.sqrt(40)).all()
    assert (np.abs(pulls.std(axis=0) - 1) < 0.5).all()  # 4.5 sigma of 40 normal pulls


def test_projections_of_all_strings_are_exactly_one(small):
    counts = PairCounts.of(np.tile(small.strings, (8, 1)), 3, blocks=8)
    found = projections(counts, exact_excess(small.strings, 3), PAIRS)
    np.testing.assert_allclose(found, [[1, 0], [1, 0]], atol=1e-12)


@pytest.mark.parametrize(("shuffled", "expected"), [(False, 1), (True, 0)])
def test_projections_are_one_for_data_and_zero_for_shuffled_tokens(shuffled, expected):
    strings = reference.all_strings(sample_rules(4, 2, 2, 2, seed=1))
    table = exact_excess(strings, 4)
    pulls = []
    for seed in range(30):
        tokens = draws(strings, 800, seed)
        if shuffled:
            tokens = np.random.default_rng(seed).permuted(tokens, axis=0)
        found = projections(PairCounts.of(tokens, 4, blocks=16), table, PAIRS)
        assert max(error for _, error in found) < 0.3
        pulls.append([(value - expected) / error for value, error in found])
    assert (np.abs(np.mean(pulls, axis=0)) < 5 / np.sqrt(30)).all()
    assert (np.abs(np.std(pulls, axis=0) - 1) < 0.6).all()
