"""Clustering of tuples: exact with exact statistics, as good as the law says with few strings."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.rhm.grammar.derivation import choice_radices, derive
from pipeline.rhm.grammar.rules import Grammar, sample_rules
from pipeline.rhm.theory.clustering import (
    balanced_kmeans,
    class_accuracy,
    cluster_tuples,
    tuple_codes,
    tuple_coverage,
)
from tests import reference


def draws(grammar, count, seed=0):
    radices = choice_radices(grammar)
    choices = np.random.default_rng(seed).integers(radices, size=(count, len(radices)))
    return derive(grammar, choices)


def clustered(grammar, training, key=0):
    shape = grammar.symbols, grammar.synonyms, grammar.branching
    return cluster_tuples(training, *shape, key)


def accuracies(grammar, training, test):
    return [value for value, _ in class_accuracy(clustered(grammar, training), grammar, test)]


def partition(classes):
    """Sets of tuples with a common class."""
    known = np.unique(classes[classes >= 0])
    return {frozenset(np.flatnonzero(classes == label).tolist()) for label in known}


def tells_apart(grammar, strings):
    """Whether every symbol stands at the left edge, and no two of a level in the same contexts."""
    for level in range(1, grammar.depth):
        size = grammar.branching**level
        rows = {}
        for string in strings.tolist():
            (symbol,) = reference.roots(grammar, level, tuple(string[:size]))
            rows.setdefault(symbol, np.zeros(grammar.symbols))[string[size]] += 1
        rows = [row / row.sum() for row in rows.values()]
        if len(rows) < grammar.symbols or any(np.allclose(*two) for two in combinations(rows, 2)):
            return False
    return True


@pytest.mark.parametrize("shape", [(4, 2, 2, 3), (3, 2, 2, 3), (5, 2, 3, 2), (4, 3, 3, 2)])
def test_exact_statistics_give_the_exact_classes_at_every_level(shape):
    grammars = (sample_rules(*shape, seed) for seed in range(6))
    languages = [(grammar, reference.all_strings(grammar)) for grammar in grammars]
    clear = [language for language in languages if tells_apart(*language)]
    assert clear
    for grammar, strings in clear:
        classes = clustered(grammar, strings)
        assert len(classes) == grammar.depth - 1
        assert class_accuracy(classes, grammar, strings) == [(1, 0)] * (grammar.depth - 1)
        codes = grammar.tuple_codes(grammar.rules[0]).tolist()
        assert partition(classes[0]) == {frozenset(synonyms) for synonyms in codes}


def test_it_does_not_matter_how_often_a_tuple_occurs():
    grammar = sample_rules(4, 2, 2, 3, 1)
    strings = reference.all_strings(grammar)
    assert tells_apart(grammar, strings)
    first = grammar.inverse[0][grammar.tuple_codes(strings[:, :2])] % grammar.synonyms == 0
    training = np.concatenate([strings, *[strings[first]] * 50])
    assert accuracies(grammar, training, strings) == [1, 1]


def test_tuples_with_an_unknown_node_have_no_code():
    nodes = np.array([[2, 1, -1, 2, 2, -1], [-1, -1, 0, 0, 3, 3]])
    assert tuple_codes(nodes, 4, 2).tolist() == [[9, -1, -1], [-1, 0, 15]]


def test_half_the_classes_are_right_near_the_law_and_all_well_above_it():
    law = 16 * 4**3 / (1 - 4 / 16)
    found = np.zeros(3)
    for seed in range(3):
        grammar = sample_rules(16, 4, 2, 3, seed)
        test = draws(grammar, 500, seed=100 + seed)
        sizes = [int(ratio * law) for ratio in (1 / 16, 1, 8)]
        found += [accuracies(grammar, draws(grammar, P, seed), test)[0] / 3 for P in sizes]
    assert found[0] < 0.4
    assert 0.5 < found[1] < 0.95
    assert found[2] > 0.85


def test_a_handful_of_strings_leaves_tuples_without_a_class():
    grammar = sample_rules(16, 4, 2, 3, 0)
    classes = clustered(grammar, draws(grammar, 3))
    assert (classes[0] >= 0).sum() <= 3
    assert (classes[1] >= 0).sum() <= 3
    assert max(accuracies(grammar, draws(grammar, 3), draws(grammar, 100, 1))) < 0.3


def test_neither_the_order_of_strings_nor_the_names_of_symbols_matter():
    grammar = sample_rules(8, 3, 2, 3, 2)
    training, test = draws(grammar, 20000), draws(grammar, 300, 1)
    classes = clustered(grammar, training)
    shuffled = np.random.default_rng(0).permutation(training)
    np.testing.assert_array_equal(classes, clustered(grammar, shuffled))
    names = np.random.default_rng(1).permutation(8)
    rules = grammar.rules.copy()
    rules[0] = names[rules[0]]
    renamed = Grammar(rules, grammar.probabilities)
    found = clustered(renamed, names[training].astype(np.uint8))
    place = grammar.tuple_codes(names[np.indices((8, 8)).reshape(2, -1).T])
    assert partition(found[0][place]) == partition(classes[0])
    assert class_accuracy(found, renamed, names[test]) == class_accuracy(classes, grammar, test)


def balanced_partitions(items, size):
    if not items:
        yield []
        return
    for rest in combinations(items[1:], size - 1):
        group = [items[0], *rest]
        others = [item for item in items if item not in group]
        yield from ([group, *groups] for groups in balanced_partitions(others, size))


def scatter(points, groups):
    return sum(np.square(points[group] - points[group].mean(axis=0)).sum() for group in groups)


@pytest.mark.parametrize(("clusters", "size"), [(3, 2), (2, 4), (3, 3), (1, 4), (4, 1)])
def test_kmeans_finds_the_best_of_all_balanced_partitions(clusters, size):
    for seed in range(10):
        points = np.random.default_rng(seed).normal(size=(clusters * size, 2))
        labels = balanced_kmeans(points, clusters, size, seed)
        groups = [np.flatnonzero(labels == cluster) for cluster in range(clusters)]
        assert [len(group) for group in groups] == [size] * clusters
        every = balanced_partitions(list(range(len(points))), size)
        best = min(scatter(points, partition) for partition in every)
        assert scatter(points, groups) <= best * (1 + 1e-9) + 1e-12


def test_kmeans_keeps_clusters_within_their_size_and_bears_equal_points():
    points = np.random.default_rng(0).normal(size=(7, 3))
    assert np.bincount(balanced_kmeans(points, 4, 2, 0)).max() <= 2
    assert np.bincount(balanced_kmeans(np.zeros((6, 2)), 3, 2, 0)).tolist() == [2, 2, 2]


def test_coverage_counts_the_tuples_seen():
    grammar = sample_rules(5, 3, 2, 1, 0)
    strings = reference.all_strings(grammar)  # each is one of the 15 tuples
    assert [tuple_coverage(grammar, strings[:P]) for P in (1, 6, 15)] == [1 / 15, 6 / 15, 1]
    found = [tuple_coverage(grammar, draws(grammar, 10, seed)) for seed in range(400)]
    assert np.mean(found) == pytest.approx(1 - (1 - 1 / 15) ** 10, abs=0.02)


def test_coverage_looks_at_all_positions(small):
    tuples = set(map(tuple, small.strings.reshape(-1, 2).tolist()))
    assert tuple_coverage(small.grammar, small.strings) == len(tuples) / 6
