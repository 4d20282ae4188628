"""Accuracies and novelty against loops over single nodes and sets of substrings."""

import numpy as np
import pytest

from pipeline.analysis.curves import chance_accuracy
from pipeline.measurement.estimate import ratio
from pipeline.rhm.estimators.accuracy import accuracies
from pipeline.rhm.estimators.novelty import novel_subtrees, novelty
from pipeline.rhm.grammar.parsing import parse
from tests import reference


def pieces(string, size):
    return [tuple(string[i : i + size]) for i in range(0, len(string), size)]


def seen_pieces(training, size):
    return {piece for string in training.tolist() for piece in pieces(string, size)}


def damaged(language, count, seed):
    """Strings of the language with a third of the tokens of half of them replaced."""
    rng = np.random.default_rng(seed)
    tokens = language.strings[rng.integers(len(language.strings), size=count)].astype(np.uint8)
    noise = rng.integers(language.grammar.symbols, size=tokens.shape)
    replace = (rng.random(tokens.shape) < 1 / 3) & (np.arange(count) % 2 == 0)[:, None]
    return np.where(replace, noise, tokens).astype(np.uint8)


def node_table(grammar, samples, training, level):
    """For every node of a level: valid, children valid, novel, its string novel, its string."""
    s = grammar.branching
    known, copies = seen_pieces(training, s**level), set(map(tuple, training.tolist()))
    return [
        (
            bool(reference.roots(grammar, level, piece)),
            all(reference.roots(grammar, level - 1, p) for p in pieces(piece, s ** (level - 1))),
            piece not in known,
            tuple(string) not in copies,
            number,
        )
        for number, string in enumerate(samples.tolist())
        for piece in pieces(string, s**level)
    ]


def expected_accuracy(row, nodes):
    chosen = {
        "all": nodes,
        "novel_strings": [node for node in nodes if node[3]],
        "novel_subtrees": [node for node in nodes if node[2]],
    }[row.among]
    if row.quantity == "conditional_accuracy":
        chosen = [node for node in chosen if node[1]]
    if row.quantity == "string_accuracy":
        strings = sorted({node[4] for node in chosen})
        return [all(n[0] for n in chosen if n[4] == number) for number in strings]
    return [node[0] for node in chosen]


def test_accuracies_agree_with_loops_over_nodes(any_language):
    samples = damaged(any_language, 60, seed=0)
    training = any_language.strings[::3].astype(np.uint8)
    grammar = any_language.grammar
    novel = novel_subtrees(samples, training, grammar.branching)
    rows = list(accuracies(parse(grammar, samples), novel))
    assert len(rows) == 8 * grammar.depth
    for row in rows:
        cases = expected_accuracy(row, node_table(grammar, samples, training, row.level))
        assert row.count == len(cases)
        assert row.estimate == pytest.approx(np.mean(cases) if cases else np.nan, nan_ok=True)


def test_all_possible_strings_have_exactly_chance_accuracy(small):
    samples = reference.every_string(3, 4)
    novel = novel_subtrees(samples, small.strings[:1], 2)
    rows = [row for row in accuracies(parse(small.grammar, samples), novel) if row.among == "all"]
    for row in rows:
        expected = chance_accuracy(row.quantity, 3, 2, 2, 2, row.level)
        assert row.estimate == pytest.approx(expected)


def test_subtrees_are_novel_when_no_training_string_has_them_anywhere(any_language):
    samples = damaged(any_language, 50, seed=1)
    training = any_language.strings[::17].astype(np.uint8)
    s = any_language.grammar.branching
    for level, novel in enumerate(novel_subtrees(samples, training, s), start=1):
        seen = seen_pieces(training, s**level)
        expected = [[p not in seen for p in pieces(x, s**level)] for x in samples.tolist()]
        assert novel.tolist() == expected


def test_fractions_of_copies_and_of_distinct_strings_agree_with_sets(any_language):
    samples = damaged(any_language, 80, seed=2)
    training = any_language.strings[::4].astype(np.uint8)
    whole = novel_subtrees(samples, training, any_language.grammar.branching)[-1][:, 0]
    valid = parse(any_language.grammar, samples).valid(any_language.grammar.depth)[:, 0]
    rows = {row.quantity: row.estimate for row in novelty(samples, whole, valid)}
    known, language = (set(map(tuple, x.tolist())) for x in (training, any_language.strings))
    drawn = list(map(tuple, samples.tolist()))
    assert rows["copied_fraction"] == pytest.approx(np.mean([x in known for x in drawn]))
    assert rows["distinct_fraction"] == pytest.approx(len(set(drawn)) / 80)
    good = [x in language and x not in known for x in drawn]
    assert rows["valid_and_novel_fraction"] == pytest.approx(np.mean(good))


def test_the_error_of_a_ratio_is_that_of_a_bootstrap_over_strings():
    rng = np.random.default_rng(0)
    trials = rng.integers(0, 9, size=400)
    successes = rng.binomial(trials, rng.beta(1, 1, size=400))
    estimate, error, count = ratio(successes, trials)
    assert (estimate, count) == (successes.sum() / trials.sum(), trials.sum())
    picks = rng.integers(400, size=(4000, 400))
    spread = (successes[picks].sum(axis=1) / trials[picks].sum(axis=1)).std()
    assert error == pytest.approx(spread, rel=0.06)  # 5 sigma of the bootstrap


def test_the_error_of_a_plain_fraction_is_binomial():
    estimate, error, count = ratio(np.array([1, 0, 1, 1]), np.ones(4, dtype=int))
    assert (estimate, error, count) == (0.75, pytest.approx(np.sqrt(0.75 * 0.25 / 4)), 4)


def test_a_ratio_without_cases_is_not_a_number():
    estimate, error, count = ratio(np.zeros(3), np.zeros(3))
    assert np.isnan([estimate, error]).all()
    assert count == 0
