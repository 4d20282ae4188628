"""Mode collapse and excess copies against closed forms, brute force and simulated samplers."""

import numpy as np
import pytest

from pipeline.grammar.derivation import choice_radices, derive
from pipeline.grammar.parsing import parse
from pipeline.measurement.collapse import coverage, rule_usage, training_rule_usage
from pipeline.measurement.novelty import copying, novel_subtrees
from tests import reference

BLOCKS = 16


def uniform_draws(language, count, seed):
    rng = np.random.default_rng(seed)
    return language.strings[rng.integers(len(language.strings), size=count)]


def novel_and_valid(language, samples, training):
    grammar = language.grammar
    novel = novel_subtrees(samples, training, grammar.branching)[-1][:, 0]
    return novel, parse(grammar, samples).valid(grammar.depth)[:, 0]


def usage(language, samples, novel=None):
    grammar = language.grammar
    novel = np.ones(len(samples), dtype=bool) if novel is None else novel
    parsed = parse(grammar, samples)
    return list(rule_usage(parsed, novel, grammar.symbols, grammar.synonyms, BLOCKS))


def covered(samples, unseen, chosen=None):
    chosen = np.ones(len(samples), dtype=bool) if chosen is None else chosen
    return coverage(np.asarray(samples), chosen, unseen, BLOCKS)


def plug_in(grammar, strings, level):
    """Divergence by a loop over subtrees, each parsed by recursion."""
    size, used = grammar.branching**level, {}
    for string in strings.tolist():
        for start in range(0, len(string), size):
            piece = tuple(string[start : start + size])
            for symbol in reference.roots(grammar, level, piece):
                below = grammar.branching ** (level - 1)
                parts = [piece[i : i + below] for i in range(0, size, below)]
                children = tuple(min(reference.roots(grammar, level - 1, p)) for p in parts)
                used.setdefault(symbol, []).append(children)
    total, count = 0.0, 0
    for rules in used.values():
        shares = np.array([rules.count(rule) for rule in set(rules)]) / len(rules)
        total += len(rules) * (shares * np.log(shares * grammar.synonyms)).sum()
        count += len(rules)
    return total / count


def test_uniform_draws_cover_what_is_expected_and_the_error_is_not_too_small(deep):
    training = deep.strings[::10].astype(np.uint8)
    rows = []
    for seed in range(200):
        samples = uniform_draws(deep, 600, seed)
        novel, valid = novel_and_valid(deep, samples, training)
        rows.append(covered(samples, len(deep.strings) - len(training), novel & valid))
    found = np.array([(row.estimate, row.standard_error) for row in rows])
    spread = found[:, 0].std()
    assert abs(found[:, 0].mean() - 1) < 4 * spread / np.sqrt(200)
    assert 0.9 * spread < found[:, 1].mean() < 1.7 * spread  # at most sqrt(2), and noise


def test_the_error_of_coverage_is_that_of_leaving_out_blocks_one_by_one():
    samples = np.random.default_rng(0).integers(0, 40, size=(96, 1))
    found = covered(samples, 50)
    parts = [np.delete(np.arange(96), np.arange(96)[b * 6 : b * 6 + 6]) for b in range(BLOCKS)]
    values = [len(np.unique(samples[p])) / (50 * (1 - (1 - 1 / 50) ** len(p))) for p in parts]
    error = np.sqrt((BLOCKS - 1) * np.var(values))
    assert found.standard_error == pytest.approx(error)
    assert found.estimate == pytest.approx(len(np.unique(samples)) / (50 * (1 - 0.98**96)))


@pytest.mark.parametrize("unseen", [10**12, 16 * 4**31, 10**30])
def test_coverage_of_many_possible_strings_does_not_cancel(unseen):
    samples = np.arange(1000)[:, None]
    assert covered(samples, unseen).estimate == pytest.approx(1, abs=1e-6)
    assert covered(samples // 10, unseen).estimate == pytest.approx(0.1, rel=1e-6)


def test_coverage_of_the_only_string_left_is_one_and_of_none_not_a_number():
    samples = np.zeros((20, 4), dtype=int)
    assert covered(samples, 1).estimate == 1
    nothing = covered(samples, 0, np.zeros(20, dtype=bool))
    assert np.isnan([nothing.estimate, nothing.standard_error]).all()
    assert nothing.count == 0
    alone = covered(samples, 5, np.arange(20) == 3)
    assert (alone.estimate, alone.count) == (pytest.approx(1), 1)
    assert np.isnan(alone.standard_error)


def test_copies_have_an_excess_of_one_and_uniform_draws_none(deep):
    training = deep.strings[::4].astype(np.uint8)
    share = len(training) / len(deep.strings)
    copies = training[np.random.default_rng(0).integers(len(training), size=300)]
    assert copying(*novel_and_valid(deep, copies, training), share).estimate == pytest.approx(1)
    fresh = copying(*novel_and_valid(deep, uniform_draws(deep, 4000, 1), training), share)
    assert abs(fresh.estimate) < 4 * fresh.standard_error
    assert 0 < fresh.standard_error < 0.02


def test_excess_copies_are_the_share_of_copies_in_a_mixture(deep):
    training, share = deep.strings[:96].astype(np.uint8), 1 / 4
    copied = np.repeat(training, 5, axis=0)  # 480 copies
    every = np.tile(deep.strings, (2, 1))  # 768 uniform draws, a quarter of them copies
    invalid = np.full((752, 8), 3)
    mixture = np.concatenate([copied, every, invalid])
    found = copying(*novel_and_valid(deep, mixture, training), share)
    assert found.estimate == pytest.approx(480 / 2000)
    assert np.isnan(copying(*novel_and_valid(deep, mixture, deep.strings), 1.0).estimate)


def test_uniform_draws_use_rules_uniformly_and_the_plug_in_would_not_say_so(deep):
    samples = [uniform_draws(deep, 96, seed) for seed in range(150)]
    found = np.array([[(r.estimate, r.standard_error) for r in usage(deep, s)] for s in samples])
    raw = [plug_in(deep.grammar, s, 3) for s in samples[:40]]
    mean, spread = found[:, :, 0].mean(axis=0), found[:, :, 0].std(axis=0)
    assert (np.abs(mean) < 4 * spread / np.sqrt(150)).all()
    assert np.mean(raw) == pytest.approx(3 * (2 - 1) / (2 * 96), rel=0.5)  # v (m - 1) / 2 n
    error = found[:, :, 1].mean(axis=0)
    assert ((0.7 * spread < error) & (error < 2 * spread)).all()


def test_the_estimate_is_the_plug_in_where_samples_are_many(any_language):
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(len(any_language.strings)) / 4)
    samples = any_language.strings[rng.choice(len(weights), size=4000, p=weights)]
    for row in usage(any_language, samples):
        expected = plug_in(any_language.grammar, samples, row.level)
        assert row.estimate == pytest.approx(expected, abs=max(row.standard_error, 1e-3))


def test_a_sampler_that_always_takes_the_first_rule_diverges_by_ln_m(any_language):
    grammar = any_language.grammar
    choices = np.zeros((160, len(choice_radices(grammar))), dtype=int)
    choices[:, 0] = np.arange(160) % grammar.symbols
    for row in usage(any_language, derive(grammar, choices)):
        assert row.estimate == pytest.approx(np.log(grammar.synonyms))
        assert row.standard_error == pytest.approx(0, abs=1e-12)


def test_rule_usage_among_novel_strings_counts_those_only(deep):
    samples = uniform_draws(deep, 800, 3)
    novel = np.random.default_rng(4).random(800) < 0.5
    rows = [row for row in usage(deep, samples, novel) if row.among == "novel_strings"]
    assert [(row.level, row.count) for row in rows] == [
        (level, int(novel.sum()) * 2 ** (3 - level)) for level in (1, 2, 3)
    ]
    for row in rows:
        expected = plug_in(deep.grammar, samples[novel], row.level)
        assert row.estimate == pytest.approx(expected, abs=0.01)


def test_fewer_nodes_than_rules_say_nothing(deep):
    few = usage(deep, uniform_draws(deep, BLOCKS, 0)[:5])
    assert np.isnan([row.estimate for row in few if row.level == 3]).all()
    nothing = usage(deep, np.full((50, 8), 3))
    assert np.isnan([row.estimate for row in nothing]).all()
    assert {row.count for row in nothing} == {0}


def test_the_divergence_of_the_training_set_is_the_plug_in(any_language):
    training = any_language.strings[1::19]
    grammar = any_language.grammar
    rows = training_rule_usage(parse(grammar, training), grammar.symbols, grammar.synonyms)
    for row in rows:
        assert row.estimate == pytest.approx(plug_in(grammar, training, row.level))
