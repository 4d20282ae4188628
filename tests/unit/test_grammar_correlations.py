"""Exact correlations against enumeration, and the law of their average over grammars."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.rhm.grammar.correlations import common_ancestor_level, correlation_law, joint_excess
from pipeline.rhm.grammar.rules import sample_rules
from tests import reference


@pytest.mark.parametrize("shape", [(4, 2, 2, 2), (3, 2, 2, 3), (4, 3, 3, 2), (3, 9, 3, 1)])
def test_joint_excess_agrees_with_enumeration_at_every_pair(shape):
    grammar = sample_rules(*shape, seed=4)
    strings = reference.all_strings(grammar)
    for first, second in combinations(range(grammar.length), 2):
        expected = reference.excess(strings, grammar.symbols, first, second)
        np.testing.assert_allclose(joint_excess(grammar, first, second), expected, atol=1e-14)


def test_a_grammar_that_uses_every_tuple_has_independent_tokens():
    grammar = sample_rules(3, 3, 2, 2, seed=0)
    for first, second in combinations(range(4), 2):
        np.testing.assert_allclose(joint_excess(grammar, first, second), 0, atol=1e-15)


def test_tokens_meet_at_the_level_of_the_shortest_common_subtree():
    for branching, depth in [(2, 3), (3, 2)]:
        for i, j in combinations(range(branching**depth), 2):
            shared = [n for n in range(depth + 1) if i // branching**n == j // branching**n]
            assert common_ancestor_level(branching, i, j) == min(shared)


@pytest.mark.parametrize(("level", "second"), [(1, 1), (2, 2)])
def test_the_law_is_the_root_mean_square_over_grammars(level, second):
    squares = [
        np.square(joint_excess(sample_rules(16, 4, 2, 3, seed), 0, second)).mean()
        for seed in range(80)
    ]
    assert np.sqrt(np.mean(squares)) == pytest.approx(correlation_law(16, 4, 2, level), rel=0.25)


def test_the_law_vanishes_when_every_tuple_is_a_rule():
    assert correlation_law(5, 25, 3, 2) == 0
