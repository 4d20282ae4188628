"""Rules of random grammars: distinct, the right number, every choice equally likely."""

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.rhm.grammar.rules import load_grammar, make_grammar, sample_rules
from tests.unit.settings_case import spec_of


def tuples_of_level(grammar, level):
    return [tuple(rule) for rule in grammar.rules[level - 1].reshape(-1, grammar.branching)]


@pytest.mark.parametrize("shape", [(4, 2, 2, 3), (16, 4, 2, 3), (3, 9, 3, 2), (5, 1, 4, 1)])
def test_every_symbol_has_m_rules_and_no_tuple_has_two_parents(shape):
    v, m, s, L = shape
    grammar = sample_rules(v, m, s, L, seed=0)
    assert grammar.rules.shape == (L, v, m, s)
    for level in range(1, L + 1):
        rules = tuples_of_level(grammar, level)
        assert len(set(rules)) == len(rules) == v * m
        assert all(0 <= child < v for rule in rules for child in rule)
    sizes = (grammar.symbols, grammar.synonyms, grammar.branching, grammar.depth, grammar.length)
    assert sizes == (v, m, s, L, s**L)


def test_more_rules_than_tuples_are_refused():
    sample_rules(4, 16, 3, 2, seed=0)
    with pytest.raises(PipelineError, match=r"v\*\*\(s-1\) = 16"):
        sample_rules(4, 17, 3, 2, seed=0)


def test_the_number_of_strings_is_p_max(any_language):
    grammar, strings = any_language.grammar, any_language.strings
    assert len(strings) == grammar.string_count
    assert len(np.unique(strings, axis=0)) == grammar.string_count


def test_the_number_of_strings_is_exact_beyond_64_bits():
    assert sample_rules(16, 4, 2, 5, seed=0).string_count == 2 ** (4 + 2 * 31)


def test_tuples_are_numbered_in_base_v(small):
    grammar = small.grammar
    assert [grammar.tuple_codes(np.array(t)) for t in [(0, 0), (0, 2), (1, 0), (2, 2)]] == [
        0,
        2,
        3,
        8,
    ]


def test_the_inverse_table_names_parent_and_rule_of_each_tuple(any_language):
    grammar = any_language.grammar
    for level in range(1, grammar.depth + 1):
        table = grammar.inverse[level - 1]
        assert (table >= 0).sum() == grammar.symbols * grammar.synonyms
        for code, production in enumerate(table):
            if production >= 0:
                parent, rule = divmod(production, grammar.synonyms)
                assert grammar.tuple_codes(grammar.rules[level - 1, parent, rule]) == code


def test_a_grammar_is_a_pure_function_of_its_seed_and_levels_differ():
    one, again, other = (sample_rules(8, 4, 2, 2, seed).rules for seed in (5, 5, 6))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])


def test_every_tuple_is_equally_often_a_rule_of_every_symbol():
    seeds, v, m, s = 900, 3, 2, 2
    counts = np.zeros((v, v**s))
    for seed in range(seeds):
        grammar = sample_rules(v, m, s, 1, seed)
        for symbol in range(v):
            counts[symbol, grammar.tuple_codes(grammar.rules[0, symbol])] += 1
    share = m / v**s
    sigma = np.sqrt(seeds * share * (1 - share))
    assert np.abs(counts - seeds * share).max() < 4.5 * sigma  # 27 cells: false alarm 2e-4


def test_a_saved_grammar_comes_back(tmp_path):
    settings = {"v": 200, "m": 2, "s": 2, "L": 2, "seed": 3}
    make_grammar(spec_of("grammar", "rhm", settings), tmp_path / "grammar.safetensors")
    grammar, sha256 = load_grammar(tmp_path / "grammar.safetensors")
    assert np.array_equal(grammar.rules, sample_rules(**settings).rules)
    assert len(sha256) == 64
