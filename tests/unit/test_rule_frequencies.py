"""Grammars whose rules are not equally likely, against enumeration of all their derivations."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, entropy

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.estimators.collapse import coverage, rule_usage, training_rule_usage
from pipeline.rhm.estimators.creativity import unseen_shares
from pipeline.rhm.grammar.correlations import joint_excess, node_marginal
from pipeline.rhm.grammar.derivation import choice_radices, derive, draw_choices
from pipeline.rhm.grammar.exchange import exchange_tuples
from pipeline.rhm.grammar.frequencies import (
    effective_string_count,
    seen_share,
    unseen_frequencies,
)
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar, sample_rules
from pipeline.rhm.oracle import Oracle, partial_oracle
from pipeline.rhm.settings import UnevenSynonyms, ZipfRules
from pipeline.rhm.strings.splits import StringSource, most_strings
from tests import reference

LEVELS = 10
FREQUENCIES = {
    "zipf": ZipfRules(kind="zipf", level=1, exponent=1.0),
    "zipf above": ZipfRules(kind="zipf", level=2, exponent=1.5),
    "uneven": UnevenSynonyms(kind="uneven_synonyms", fewest=1),
}
SHAPES = [(4, 3, 2, 2), (4, 3, 3, 2), (3, 2, 2, 3)]
PROCESSES = {"uniform": UniformNoise, "absorbing": AbsorbingNoise}


class Case:
    """A grammar and all of its trees, with their probabilities."""

    def __init__(self, shape, kind):
        self.grammar = sample_rules(*shape, seed=1, rule_frequencies=FREQUENCIES[kind])
        self.symbols, self.rules, self.probabilities = reference.weighted_trees(self.grammar)
        self.strings = self.symbols[0]

    def drawn(self, count, key=0):
        """Strings as the grammar draws them."""
        choices = np.arange(len(choice_radices(self.grammar)))
        draws = uniforms(stream_key(key), np.arange(count)[:, None], choices)
        return derive(self.grammar, draw_choices(self.grammar, draws, np.empty((count, 0), int)))

    def counts(self, strings):
        """How often each string of the language is there."""
        place = {string.tobytes(): number for number, string in enumerate(self.strings)}
        found = [place[string.tobytes()] for string in strings.astype(self.strings.dtype)]
        return np.bincount(found, minlength=len(self.strings))


@pytest.fixture(params=[(s, k) for s in SHAPES for k in FREQUENCIES], ids=str)
def case(request):
    found = Case(*request.param)
    assert not found.grammar.has_equal_rules
    return found


@pytest.fixture(params=FREQUENCIES)
def one(request):
    return Case(SHAPES[0], request.param)


def fits(counts, probabilities):
    """Whether frequencies are these, rare cases together."""
    order = np.argsort(probabilities)
    expected = probabilities[order] * counts.sum()
    group = np.minimum(expected.cumsum() // 10, expected.sum() // 10 - 1).astype(int)
    sums = [np.bincount(group, x) for x in (counts[order], expected)]
    kept = sums[1] > 0
    return chisquare(sums[0][kept], sums[1][kept]).pvalue > 1e-3


def test_zipf_makes_the_rank_of_a_rule_its_frequency_at_one_level():
    found = sample_rules(5, 4, 2, 3, 0, FREQUENCIES["zipf"]).probabilities
    assert np.allclose(found[0], np.array([12, 6, 4, 3]) / 25)
    assert (found[1:] == 1 / 4).all()


def test_numbers_of_rules_are_uniform_and_their_rules_equally_likely():
    grammars = [sample_rules(16, 4, 2, 3, seed, FREQUENCIES["uneven"]) for seed in range(40)]
    numbers = np.concatenate([grammar.rule_counts.ravel() for grammar in grammars])
    assert chisquare(np.bincount(numbers)[1:]).pvalue > 1e-3
    for grammar in grammars[:3]:
        for of_symbol, number in zip(
            grammar.probabilities.reshape(-1, 4), grammar.rule_counts.ravel(), strict=True
        ):
            assert np.allclose(of_symbol, [1 / number] * number + [0] * (4 - number))


@pytest.mark.parametrize("kind", FREQUENCIES)
def test_frequencies_do_not_change_the_tuples(kind):
    rules = sample_rules(8, 4, 2, 2, 3, FREQUENCIES[kind]).rules
    assert np.array_equal(rules, sample_rules(8, 4, 2, 2, 3).rules)


@pytest.mark.parametrize("shape", [(4, 2, 2, 3), (16, 3, 2, 2), (8, 49, 4, 1), (20, 300, 3, 1)])
def test_equal_rules_have_weights_of_exactly_one(shape):
    grammar = sample_rules(*shape, seed=0)
    assert (grammar.weights == 1).all()
    assert grammar.has_equal_rules


def test_strings_are_counted_as_enumeration_counts_them(case):
    assert case.grammar.string_count == len(case.strings)
    assert case.probabilities.sum() == pytest.approx(1)
    effective = 1 / np.square(case.probabilities).sum()
    assert effective_string_count(case.grammar) == pytest.approx(effective)


def test_just_the_strings_that_have_a_probability_are_valid(one):
    every = reference.every_string(4, 4)
    parsed = parse(one.grammar, every)
    valid = every[parsed.valid(2)[:, 0]]
    assert sorted(valid.tolist()) == sorted(one.strings.tolist())
    trees = parse(one.grammar, one.strings)
    for found, expected in zip(trees.symbols + trees.rules, one.symbols + one.rules, strict=True):
        assert np.array_equal(found, expected)
    numbers = one.grammar.inverse[0][one.grammar.tuple_codes(one.strings.reshape(-1, 2))]
    assert (numbers >= 0).all()
    assert (one.grammar.inverse >= 0).sum() == one.grammar.rule_counts.sum()


def test_strings_are_drawn_with_their_probabilities(case):
    assert fits(case.counts(case.drawn(20_000)), case.probabilities)


def test_marginals_and_correlations_are_those_of_enumeration(case):
    grammar, p = case.grammar, case.probabilities
    for level, symbols in enumerate(case.symbols):
        for node, of_node in enumerate(symbols.T):
            expected = np.bincount(of_node, p, grammar.symbols)
            np.testing.assert_allclose(node_marginal(grammar, level, node), expected, atol=1e-14)
    one_hot = np.eye(grammar.symbols)[case.strings]
    for i, j in combinations(range(grammar.length), 2):
        joint = np.einsum("n,na,nb->ab", p, one_hot[:, i], one_hot[:, j])
        expected = joint - np.outer(joint.sum(axis=1), joint.sum(axis=0))
        np.testing.assert_allclose(joint_excess(grammar, i, j), expected, atol=1e-14)


def corrupted(case, process, count=48, lowest=1):
    """Noise, corrupted strings [1, N, d] and their levels [1, N], from `lowest` up."""
    noise = PROCESSES[process](case.grammar.symbols, alpha_bar("linear_alpha_bar", LEVELS))
    generator = torch.Generator().manual_seed(0)
    picked = torch.randint(len(case.strings), (1, count), generator=generator)
    x0 = torch.from_numpy(case.strings)[picked]
    t = torch.randint(lowest, LEVELS + 1, (1, count), generator=generator)
    draws = torch.rand(*x0.shape, 2, generator=generator, dtype=torch.float64)
    return noise, noise.corrupt(x0, t, draws), t


@pytest.mark.parametrize("process", PROCESSES)
def test_beliefs_and_cavities_are_those_of_enumeration(case, process):
    noise, xt, t = corrupted(case, process)
    each = noise.likelihood(torch.from_numpy(case.strings), xt[0][:, None], t[0][:, None, None])
    joint = each.prod(dim=-1).numpy() * case.probabilities
    oracle, v = Oracle([case.grammar], noise), case.grammar.symbols
    beliefs = oracle.beliefs(xt, t)
    np.testing.assert_allclose(beliefs.log_evidence[0], np.log(joint.sum(axis=1)), atol=1e-10)
    posterior = joint / joint.sum(axis=1, keepdims=True)
    for level, symbols in enumerate(case.symbols):
        expected = np.einsum("Nn,njv->Njv", posterior, np.eye(v)[symbols])
        np.testing.assert_allclose(beliefs.marginals[level][0], expected, atol=1e-10)
    for place in range(case.grammar.length):
        others = np.delete(each.numpy(), place, axis=2).prod(axis=2) * case.probabilities
        expected = others @ np.eye(v)[case.strings[:, place]]
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(oracle.cavities(xt, t)[0, :, place], expected, atol=1e-10)


def test_who_knows_no_level_has_the_frequencies_of_tokens(one):
    noise, xt, t = corrupted(one, "uniform")
    found = torch.softmax(partial_oracle([one.grammar], noise, 0)(xt, t), dim=-1)[0]
    frequencies = np.einsum("n,ndv->dv", one.probabilities, np.eye(4)[one.strings])
    likelihood = noise.likelihood(torch.arange(4), xt[0][..., None], t[0][:, None, None])
    joint = torch.from_numpy(frequencies) * likelihood
    torch.testing.assert_close(found, joint / joint.sum(dim=-1, keepdim=True))
    whole = partial_oracle([one.grammar], noise, 2)(xt, t)
    torch.testing.assert_close(whole, Oracle([one.grammar], noise)(xt, t))


@pytest.mark.parametrize("process", PROCESSES)
def test_trees_are_drawn_from_the_posterior(one, process):
    noise, xt, t = corrupted(one, process, count=1, lowest=7)
    each = noise.likelihood(torch.from_numpy(one.strings), xt[0][:, None], t[0][:, None, None])
    joint = each.prod(dim=-1).numpy()[0] * one.probabilities
    count, choices = 20_000, np.arange(len(choice_radices(one.grammar)))
    draws = torch.from_numpy(uniforms(stream_key(0), np.arange(count)[:, None], choices))
    many = xt.expand(1, count, -1), t.expand(1, count)
    levels = Oracle([one.grammar], noise).sample(*many, draws[None])
    assert fits(one.counts(levels[0][0].numpy()), joint / joint.sum())


def source_of(case, key=0):
    return StringSource(case.grammar, key, 4, 6)


def test_sets_are_the_first_appearances_among_draws_one_by_one(one):
    source = source_of(one)
    most = int(most_strings(one.grammar))
    found = [source.validation(), source.test(), source.training(0, most - 10)]
    assert [len(part) for part in found] == [4, 6, most - 10]
    seen = dict.fromkeys(string.tobytes() for string in source._draws(0))
    assert [string.tobytes() for string in np.concatenate(found)] == list(seen)[:most]
    assert np.array_equal(source.training(3, 8), source.training(0, most - 10)[3:8])
    assert parse(one.grammar, found[2]).valid(2).all()


def test_sets_that_take_several_rounds_of_draws_are_the_same(one, monkeypatch):
    whole = source_of(one).training(0, 6)
    monkeypatch.setattr("pipeline.rhm.strings.splits._CHUNK", 2)
    assert np.array_equal(source_of(one).training(0, 6), whole)
    assert not np.array_equal(source_of(one, key=1).training(0, 6), whole)


def test_more_strings_than_draws_bring_in_fair_time_are_refused(one):
    most = int(most_strings(one.grammar))
    with pytest.raises(PipelineError, match=rf"{most + 1} distinct .* give {most} in fair time"):
        source_of(one).training(0, most - 9)


def test_early_strings_are_the_frequent_ones():
    case = Case((6, 4, 2, 2), "zipf")
    chosen = [case.counts(source_of(case, key).training(0, 40)) for key in range(30)]
    assert np.mean(chosen, axis=0) @ case.probabilities > 1.2 * 40 * case.probabilities.mean()


def test_shares_of_what_was_seen_are_probabilities(case):
    training = case.drawn(12)
    known = np.unique(training, axis=0)
    seen = case.counts(known)
    assert seen_share(case.grammar, parse(case.grammar, known)) == pytest.approx(
        seen @ case.probabilities
    )
    for level, share in enumerate(unseen_shares(case.grammar, training), 1):
        width = case.grammar.branching**level
        blocks = {tuple(block) for string in training for block in string.reshape(-1, width)}
        nodes = case.strings.reshape(len(case.strings), -1, width).tolist()
        new = np.array([[tuple(node) not in blocks for node in string] for string in nodes])
        assert share == pytest.approx(case.probabilities @ new.mean(axis=1), abs=1e-12)
    assert unseen_shares(case.grammar, case.strings) == [0.0] * case.grammar.depth


def test_a_perfect_sampler_covers_as_many_new_strings_as_expected(case):
    known = np.unique(case.drawn(5), axis=0)
    unseen = unseen_frequencies(case.grammar, parse(case.grammar, known))
    new = case.counts(known) == 0
    p = case.probabilities[new] / case.probabilities[new].sum()
    samples = case.strings[new][:8]
    row = coverage(samples, np.ones(len(samples), bool), unseen, 2)
    expected = (1 - (1 - p) ** len(samples)).sum()
    assert row.estimate == pytest.approx(len(samples) / expected)


def test_too_many_different_strings_have_no_coverage(one, monkeypatch):
    monkeypatch.setattr("pipeline.rhm.grammar.frequencies._MOST_PRODUCTS", 0)
    grammar = replace(one.grammar)  # of which nothing is known yet
    unseen = unseen_frequencies(grammar, parse(grammar, one.strings[:1]))
    assert np.isnan(
        coverage(one.strings[1:], np.ones(len(one.strings) - 1, bool), unseen, 2).estimate
    )


@pytest.mark.parametrize(
    ("frequencies", "problem"),
    [
        (ZipfRules(kind="zipf", level=3, exponent=1.0), "level = 3 must be at most L = 2"),
        (UnevenSynonyms(kind="uneven_synonyms", fewest=4), "fewest = 4 must be at most m = 3"),
    ],
)
def test_frequencies_of_rules_that_there_are_not_are_refused(frequencies, problem):
    with pytest.raises(PipelineError, match=f"L=2: rule_frequencies.{problem}"):
        sample_rules(6, 3, 2, 2, 0, frequencies)


def test_use_of_rules_is_held_against_that_of_the_grammar(one):
    strings = one.drawn(4000)
    parsed = parse(one.grammar, strings)
    rows = list(rule_usage(parsed, np.ones(4000, bool), one.grammar.probabilities, 16))
    assert all(abs(row.estimate) < 5 * row.standard_error + 1e-12 for row in rows)
    few = parse(one.grammar, strings[:50])
    for level, row in enumerate(training_rule_usage(few, one.grammar.probabilities), 1):
        symbols, rules = few.symbols[level].ravel(), few.rules[level - 1].ravel()
        parts = [
            (symbols == a).mean()
            * entropy(
                np.bincount(rules[symbols == a], minlength=3),
                one.grammar.probabilities[level - 1, a],
            )
            for a in np.unique(symbols)
        ]
        assert row.estimate == pytest.approx(np.sum(parts))


def test_only_rules_are_exchanged_and_a_symbol_with_one_rule_has_no_synonym(case):
    grammar, strings = case.grammar, case.drawn(300)
    parsed = parse(grammar, strings)
    for level, (original, synonym, other) in exchange_tuples(grammar, strings, key=1).items():
        assert np.array_equal(original, strings)
        able = (grammar.rule_counts[level - 1][parsed.symbols[level]] > 1).any(axis=1)
        assert np.array_equal((synonym != strings).any(axis=1), able)
        assert np.array_equal((other != strings).any(axis=1), able)
        assert parse(grammar, synonym).valid(grammar.depth).all()
        assert np.array_equal(parse(grammar, synonym).symbols[level], parsed.symbols[level])
        moved = (parse(grammar, other).symbols[level] != parsed.symbols[level]).sum(axis=1)
        assert np.array_equal(moved, able)
        assert parse(grammar, other).valid(level).all()


def test_other_rules_are_equally_likely_and_what_is_below_them_is_not():
    case = Case((4, 3, 2, 2), "zipf")
    strings = np.repeat(case.strings[:1], 6000, axis=0)
    before, row = parse(case.grammar, strings), np.arange(6000)
    for level in (1, 2):
        after = parse(case.grammar, exchange_tuples(case.grammar, strings, key=2)[level][1])
        node = (before.rules[level - 1] != after.rules[level - 1]).argmax(axis=1)
        steps = after.rules[level - 1][row, node] - before.rules[level - 1][row, node]
        assert chisquare(np.bincount(steps % 3)[1:]).pvalue > 1e-3
    assert fits(np.bincount(after.rules[0].ravel()), np.array([6, 3, 2]) / 11)


def test_a_grammar_below_a_level_has_the_frequencies_of_its_rules(one):
    below = one.grammar.below(1)
    assert isinstance(below, Grammar)
    assert np.array_equal(below.probabilities, one.grammar.probabilities[:1])
