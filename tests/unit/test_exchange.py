"""Synonyms keep the symbol of their node, others change it, and nothing else moves."""

import numpy as np
import pytest
from scipy.stats import chisquare

from pipeline.rhm.grammar.exchange import exchange_tuples
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import sample_rules
from tests.unit.conftest import language


def changed_node(grammar, level, before, after):
    """The one level-`level` node of each string whose tokens differ; -1 where none does."""
    blocks = (before != after).reshape(len(before), -1, grammar.branching**level).any(axis=2)
    assert (blocks.sum(axis=1) <= 1).all()
    return np.where(blocks.any(axis=1), blocks.argmax(axis=1), -1)


def test_exactly_one_tuple_gives_way(any_language):
    grammar, strings = any_language.grammar, any_language.strings.astype(np.uint8)
    parsed, row = parse(grammar, strings), np.arange(len(strings))
    exchanged = exchange_tuples(grammar, strings, key=1)
    assert list(exchanged) == list(range(1, grammar.depth + 1))
    for level, (original, synonym, other) in exchanged.items():
        assert np.array_equal(original, strings)
        for strings_after, same_symbol in ((synonym, True), (other, False)):
            node = changed_node(grammar, level, strings, strings_after)
            assert (node >= 0).all()
            after = parse(grammar, strings_after)
            symbols = [found.symbols[level][row, node] for found in (parsed, after)]
            assert (symbols[1] >= 0).all()
            assert ((symbols[0] == symbols[1]) == same_symbol).all()
        node = changed_node(grammar, level, strings, synonym)
        rules = [found.rules[level - 1][row, node] for found in (parsed, parse(grammar, synonym))]
        assert (rules[0] != rules[1]).all()
        assert parse(grammar, synonym).valid(grammar.depth).all()


def test_every_other_synonym_symbol_and_node_is_equally_likely():
    language_ = language(v=4, m=4, s=2, L=2, seed=0)
    grammar = language_.grammar
    strings = np.repeat(language_.strings[:1].astype(np.uint8), 3000, axis=0)
    before, row = parse(grammar, strings), np.arange(len(strings))
    _, synonym, other = exchange_tuples(grammar, strings, key=2)[1]
    node = changed_node(grammar, 1, strings, synonym)
    assert chisquare(np.bincount(node)).pvalue > 1e-3
    rules = parse(grammar, synonym).rules[0][row, node] - before.rules[0][row, node]
    assert chisquare(np.bincount(rules % 4)[1:]).pvalue > 1e-3
    symbols = parse(grammar, other).symbols[1][row, node] - before.symbols[1][row, node]
    assert chisquare(np.bincount(symbols % 4)[1:]).pvalue > 1e-3


@pytest.mark.parametrize("level", [1, 2])
def test_what_is_below_is_derived_anew(level):
    language_ = language(v=4, m=2, s=2, L=3, seed=0)
    strings = np.repeat(language_.strings[:1].astype(np.uint8), 2000, axis=0)
    _, synonym, _ = exchange_tuples(language_.grammar, strings, key=3)[level]
    # one node of s**(3 - level), one synonym, and below it 1 + 2 + .. free choices between two
    free = (2**level - 1) - 1
    assert len(np.unique(synonym, axis=0)) == 2 ** (3 - level) * 2**free


def test_without_synonyms_nothing_is_exchanged():
    grammar = sample_rules(4, 1, 2, 2, seed=0)
    assert exchange_tuples(grammar, np.zeros((1, 4), dtype=np.uint8), key=0) == {}
