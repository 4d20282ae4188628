"""One step of gradient descent against finite differences, closed forms and the law."""

import numpy as np
import pytest
from scipy.special import erf

from pipeline.rhm.grammar.derivation import choice_radices, derive
from pipeline.rhm.grammar.rules import sample_rules
from pipeline.rhm.theory import one_step
from pipeline.rhm.theory.one_step import (
    first_layer_updates,
    small_layers,
    tuple_token_frequencies,
    update_similarity,
)


def draws(grammar, count, seed=0):
    radices = choice_radices(grammar)
    choices = np.random.default_rng(seed).integers(radices, size=(count, len(radices)))
    return derive(grammar, choices)


def weights(grammar, width, key):
    v, s = grammar.symbols, grammar.branching
    return [w[0].detach().numpy() for w in small_layers(v**s, v * s, width, key).parameters()]


def string_loss(grammar, strings, first, readout):
    """Cross-entropy of the second tuple given the first, string by string."""
    v, s = grammar.symbols, grammar.branching
    total = 0.0
    for string in strings.tolist():
        code = sum(token * v ** (s - 1 - place) for place, token in enumerate(string[:s]))
        hidden = first[code] * (1 + erf(first[code] / np.sqrt(2))) / 2
        for place, logits in enumerate((hidden @ readout / len(hidden)).reshape(s, v)):
            total += np.log(np.exp(logits).sum()) - logits[string[s + place]]
    return total / len(strings)


def numerical_update(grammar, strings, first, readout, step=1e-5):
    update = np.zeros_like(first)
    for index in np.ndindex(*first.shape):
        shifted = []
        for sign in (1, -1):
            moved = first.copy()
            moved[index] += sign * step
            shifted.append(string_loss(grammar, strings, moved, readout))
        update[index] = -(shifted[0] - shifted[1]) / (2 * step)
    return update


def cosines(rows, grammar):
    """Mean cosines of pairs of synonyms and of other pairs, pair by pair."""
    codes = grammar.tuple_codes(grammar.rules[0]).tolist()
    tuples = [(code, parent) for parent, synonyms in enumerate(codes) for code in synonyms]
    found = {True: [], False: []}
    for index, (a, parent) in enumerate(tuples):
        for b, other in tuples[:index]:
            x, y = rows[a], rows[b]
            found[parent == other].append(x @ y / np.sqrt((x @ x) * (y @ y)))
    return np.mean(found[True]), np.mean(found[False])


@pytest.mark.parametrize("scale", [1e-3, 1])
def test_updates_agree_with_finite_differences_string_by_string(monkeypatch, small, scale):
    monkeypatch.setattr(one_step, "INITIAL_SCALE", scale)
    strings = draws(small.grammar, 7)
    expected = numerical_update(small.grammar, strings, *weights(small.grammar, 3, key=1))
    found = first_layer_updates(tuple_token_frequencies(small.grammar, strings), 3, key=1)
    assert np.abs(expected).max() > 1e-2 * scale
    np.testing.assert_allclose(found, expected, atol=1e-5 * scale)


@pytest.mark.parametrize("name", ["deep", "ternary"])
def test_small_weights_make_the_update_a_projection_of_the_table(request, name):
    grammar = request.getfixturevalue(name).grammar
    frequencies = tuple_token_frequencies(grammar, draws(grammar, 200))
    found = first_layer_updates(frequencies, 16, key=3)
    _, readout = weights(grammar, 16, key=3)
    uniform = frequencies.sum(axis=2, keepdims=True) / grammar.symbols
    rows = (frequencies - uniform).reshape(len(frequencies), -1)
    expected = rows @ readout.T / 16 / 2  # the slope of GELU at zero is 1/2
    assert np.linalg.norm(found - expected) < 5e-3 * np.linalg.norm(expected)


def test_with_all_strings_synonyms_agree_and_the_others_do_as_their_contexts(deep):
    grammar, strings = deep.grammar, deep.strings
    synonymous, other = update_similarity(grammar, strings, 4096, key=0)
    assert synonymous[0] > 0.9999
    table = tuple_token_frequencies(grammar, strings)
    count = table[:, :1].sum(axis=2, keepdims=True)
    rows = (table - count * table.sum(axis=0)).reshape(len(table), -1)
    expected = cosines(rows, grammar)
    assert expected[0] == pytest.approx(1)
    assert other[0] == pytest.approx(expected[1], abs=0.03)
    assert other[0] < 0


def test_synonyms_align_with_more_strings_as_the_law_says():
    law = 16 * 4**3 / (1 - 4 / 16)
    ratios = np.array([1 / 16, 1 / 4, 1, 4, 16])
    found = np.zeros((5, 2))
    for seed in range(4):
        grammar = sample_rules(16, 4, 2, 3, seed)
        sets = [draws(grammar, int(ratio * law), seed) for ratio in ratios]
        pairs = [update_similarity(grammar, training, 512, seed) for training in sets]
        found += np.array(pairs)[:, :, 0] / 4
    np.testing.assert_allclose(found[:, 0], ratios / (1 + ratios), atol=0.06)
    assert (found[:, 1] < 0).all()
    assert (found[:, 1] > -0.1).all()


def test_strings_count_by_how_often_they_occur_only():
    grammar = sample_rules(5, 2, 2, 2, 0)
    strings = draws(grammar, 60)
    expected = update_similarity(grammar, strings, 32, key=0)
    shuffled = np.random.default_rng(0).permutation(np.concatenate([strings, strings]))
    np.testing.assert_allclose(update_similarity(grammar, shuffled, 32, key=0), expected)
    parts = [tuple_token_frequencies(grammar, part) for part in np.split(strings, 3)]
    whole = tuple_token_frequencies(grammar, strings)
    np.testing.assert_allclose(np.mean(parts, axis=0), whole, atol=1e-15)


def test_tuples_that_do_not_occur_do_not_count():
    grammar = sample_rules(5, 2, 2, 2, 0)
    for found in update_similarity(grammar, draws(grammar, 1), 32, key=0):
        np.testing.assert_equal(found, (np.nan, np.nan, 0))
