"""Splits are disjoint, training sets are nested, and every string is used once."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import sample_rules
from pipeline.rhm.strings.splits import StringSource

GRAMMAR = sample_rules(3, 2, 2, 3, seed=0)  # 384 strings
sizes = st.integers(1, 120)


def strings(tokens):
    return [row.tobytes() for row in tokens]


@given(st.integers(0, 100), sizes, sizes, sizes, st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_splits_are_disjoint_and_strings_distinct(seed, validation, test, training, extra):
    source = StringSource(GRAMMAR, seed, validation, test)
    parts = [source.validation(), source.test(), source.training(0, training + extra)]
    assert [len(part) for part in parts] == [validation, test, training + extra]
    everything = strings(np.concatenate(parts))
    assert len(set(everything)) == len(everything)


@given(st.integers(0, 100), sizes, st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_larger_training_set_contains_smaller_one(seed, size, more):
    source = StringSource(GRAMMAR, seed, 10, 10)
    larger = source.training(0, size + more)
    assert np.array_equal(larger[:size], source.training(0, size))
    assert np.array_equal(larger[size:], source.training(size, size + more))


def test_the_splits_together_are_all_strings_of_the_grammar(any_language):
    grammar = any_language.grammar
    source = StringSource(grammar, 1, 5, 7)
    rest = grammar.string_count - 12
    parts = [source.validation(), source.test(), source.training(0, rest)]
    assert sorted(np.concatenate(parts).tolist()) == sorted(any_language.strings.tolist())


def test_online_training_wraps_past_the_last_string_only():
    source = StringSource(GRAMMAR, 1, 100, 100)
    once = source.training(0, 184)
    assert np.array_equal(source.training(184, 200), once[:16])
    assert len(set(strings(source.training(100, 284)))) == 184


def test_another_seed_gives_another_order():
    one, other = (StringSource(GRAMMAR, seed, 10, 10).training(0, 60) for seed in (0, 1))
    common = len(set(strings(one)) & set(strings(other)))
    assert common < 30  # 60 * 60 / 384 = 9.4 expected, 7 sigma


def test_strings_of_a_space_beyond_64_bits_are_distinct_and_valid():
    grammar = sample_rules(16, 4, 2, 5, seed=0)
    source = StringSource(grammar, 0, 50, 50)
    tokens = np.concatenate([source.validation(), source.test(), source.training(0, 2000)])
    assert len(set(strings(tokens))) == 2100
    assert parse(grammar, tokens).valid(5).all()


def test_grammars_with_more_than_256_synonyms_have_distinct_strings():
    grammar = sample_rules(20, 300, 3, 1, seed=0)
    tokens = StringSource(grammar, 0, 1, 1).training(0, 5998)
    assert len(set(strings(tokens))) == 5998


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((16, 4, 2, 3), "680503312564314c"),
        ((8, 6, 3, 2), "27684b654eb69088"),
        ((16, 4, 2, 5), "c6d7ed48f1208310"),
        ((20, 300, 3, 1), "db6acde69ca31763"),
        ((4, 1, 2, 2), "0ca730f0c5b7b71c"),
    ],
    ids=["the paper's", "three children", "beyond 64 bits", "many synonyms", "few strings"],
)
def test_strings_are_what_they_were_when_results_were_made(shape, expected):
    source = StringSource.of_seeds(sample_rules(*shape, seed=2), 2, 1, 1, 1)
    parts = [source.validation(), source.test(), source.training(0, 20_000)]
    assert hashlib.sha256(np.concatenate(parts).tobytes()).hexdigest()[:16] == expected
