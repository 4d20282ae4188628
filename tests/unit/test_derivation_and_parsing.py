"""Derivation and parsing are inverse, and parsing agrees with a recursive membership test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.rhm.grammar.derivation import choice_radices, derive
from pipeline.rhm.grammar.parsing import choices_of, parse
from pipeline.rhm.grammar.rules import sample_rules
from tests import reference

SHAPES = [(3, 2, 2, 3), (2, 2, 2, 2), (4, 3, 3, 2), (5, 1, 4, 1), (20, 300, 3, 1)]
shapes, seeds = st.sampled_from(SHAPES), st.integers(0, 5)
SIZES = {"max_examples": 40, "deadline": None}


def derive_by_recursion(grammar, level, symbol, choices_by_level, node):
    """Tokens of one node; `choices_by_level[l]` lists the rules of level-l nodes left to right."""
    if level == 0:
        return [symbol]
    s = grammar.branching
    rule = grammar.rules[level - 1, symbol, choices_by_level[level][node]]
    parts = [
        derive_by_recursion(grammar, level - 1, int(child), choices_by_level, node * s + place)
        for place, child in enumerate(rule)
    ]
    return sum(parts, [])


@given(shapes, seeds, st.data())
@settings(**SIZES)
def test_derivation_agrees_with_recursion_from_the_root(shape, seed, data):
    grammar = sample_rules(*shape, seed)
    radices = choice_radices(grammar)
    choices = [data.draw(st.integers(0, radix - 1)) for radix in radices]
    by_level, used = {}, 1
    for level in range(grammar.depth, 0, -1):
        nodes = grammar.branching ** (grammar.depth - level)
        by_level[level], used = choices[used : used + nodes], used + nodes
    assert used == len(choices)
    expected = derive_by_recursion(grammar, grammar.depth, choices[0], by_level, 0)
    assert derive(grammar, np.array([choices])).tolist() == [expected]


@given(shapes, seeds, st.data())
@settings(**SIZES)
def test_parsing_recovers_the_choices_of_a_derivation(shape, seed, data):
    grammar = sample_rules(*shape, seed)
    radices = np.array(choice_radices(grammar))
    numbers = data.draw(arrays(float, (5, len(radices)), elements=st.floats(0, 0.999)))
    choices = (numbers * radices).astype(int)
    parsed = parse(grammar, derive(grammar, choices))
    assert np.array_equal(choices_of(parsed), choices)
    assert parsed.valid(grammar.depth).all()


@given(st.sampled_from(SHAPES[:4]), seeds, st.data())
@settings(**SIZES)
def test_parsing_agrees_with_recursive_membership_at_every_node(shape, seed, data):
    grammar = sample_rules(*shape, seed)
    # v itself stands for a mask; half of the strings start from a valid one
    tokens = data.draw(
        arrays(np.uint8, (4, grammar.length), elements=st.integers(0, grammar.symbols))
    )
    known = derive(grammar, np.zeros((1, len(choice_radices(grammar))), dtype=int))
    tokens[:2, : grammar.length // 2] = known[:, : grammar.length // 2]
    parsed = parse(grammar, tokens)
    for level in range(grammar.depth + 1):
        size = grammar.branching**level
        for row, string in enumerate(tokens.tolist()):
            for node in range(len(string) // size):
                part = tuple(string[node * size : (node + 1) * size])
                found = int(parsed.symbols[level][row, node])
                assert {found} - {-1} == reference.roots(grammar, level, part)


def test_deep_strings_without_synonyms_are_derived_and_parsed():
    grammar = sample_rules(3, 1, 2, 7, seed=0)
    choices = np.zeros((3, len(choice_radices(grammar))), dtype=np.uint8)
    choices[:, 0] = range(3)
    assert np.array_equal(choices_of(parse(grammar, derive(grammar, choices))), choices)


@pytest.mark.parametrize("token", [-1, -3, 3, 255, 259, 2**16])
def test_a_token_that_is_no_symbol_is_invalid(small, token):
    tokens = small.strings[:2].astype(np.int64)
    tokens[0, 0] = token
    parsed = parse(small.grammar, tokens)
    assert parsed.valid(0).tolist() == [[False, True, True, True], [True] * 4]
    assert parsed.valid(2).tolist() == [[False], [True]]


def test_all_choices_derive_all_strings(any_language):
    grammar = any_language.grammar
    choices = np.stack(np.unravel_index(range(grammar.string_count), choice_radices(grammar)), 1)
    derived = derive(grammar, choices)
    assert sorted(derived.tolist()) == sorted(any_language.strings.tolist())


def test_exactly_the_enumerated_strings_parse(small):
    tokens = reference.every_string(3, 4)
    accepted = tokens[parse(small.grammar, tokens).valid(2)[:, 0]]
    assert sorted(accepted.tolist()) == sorted(small.strings.tolist())


def test_children_are_valid_when_each_of_them_parses(small):
    tokens = reference.every_string(4, 4)
    parsed = parse(small.grammar, tokens)
    for row, string in enumerate(map(tuple, tokens.tolist())):
        halves = [bool(reference.roots(small.grammar, 1, string[i : i + 2])) for i in (0, 2)]
        assert parsed.children_valid(2)[row].tolist() == [all(halves)]
        known = [max(string[i : i + 2]) < 3 for i in (0, 2)]
        assert parsed.children_valid(1)[row].tolist() == known
