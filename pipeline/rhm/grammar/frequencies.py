"""How frequent strings are, and parts of them, where rules are not equally likely.

Frequencies come as products of rules' weights, which are probabilities times m: all of them are
exactly 1 where rules are equally likely.
"""

from functools import cache

import numpy as np

from pipeline.rhm.grammar.parsing import Parse
from pipeline.rhm.grammar.rules import Grammar

_DIGITS = 9
"""Decimals of logarithms up to which products of weights count as the same."""
_MOST_PRODUCTS = 10**8
"""Products of weights that are told apart at one level: some ten seconds, once a grammar."""

_Classes = tuple[np.ndarray, np.ndarray]
"""Logarithms of products of weights, and how many trees have each."""


def subtree_weights(grammar: Grammar, parsed: Parse) -> list[np.ndarray]:
    """For each level 0..L, the products of all weights below nodes of valid strings, [N, nodes]."""
    s, found = grammar.branching, [np.ones(parsed.symbols[0].shape)]
    for weights, symbols, rules in zip(
        grammar.weights, parsed.symbols[1:], parsed.rules, strict=True
    ):
        below = found[-1].reshape(*symbols.shape, s).prod(axis=2)
        found.append(weights[symbols, rules] * below)
    return found


def seen_share(grammar: Grammar, parsed: Parse) -> float:
    """Probability that a string of the grammar is among these, which are distinct and valid."""
    weights = subtree_weights(grammar, parsed)[-1]
    return float(weights.sum() / equal_count(grammar, grammar.depth))


def equal_count(grammar: Grammar, level: int) -> int:
    """Number of level-l subtrees if every symbol has m rules: what weights are relative to."""
    s = grammar.branching
    return grammar.symbols * grammar.synonyms ** ((s**level - 1) // (s - 1))


def unseen_frequencies(grammar: Grammar, parsed: Parse) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the strings that are not among these, given that one of them is drawn.

    Args:
        grammar: the rules.
        parsed: trees of distinct valid strings.

    Returns:
        Probabilities and how many strings have them, float64 [classes]: some of these numbers are
        negative, and take strings that were seen from their class. NaN if there are too many
        different probabilities to be told apart.
    """
    if grammar.has_equal_rules:
        count = grammar.string_count - len(parsed.symbols[0])
        return np.array([1 / count if count else np.inf]), np.array([float(count)])
    logarithms, counts = _weight_classes(grammar)
    seen = np.log(subtree_weights(grammar, parsed)[-1][:, 0])
    scale = equal_count(grammar, grammar.depth) * (1 - seen_share(grammar, parsed))
    probabilities = np.exp(np.concatenate([logarithms, seen])) / scale
    return probabilities, np.concatenate([counts, -np.ones(len(seen))])


def effective_string_count(grammar: Grammar) -> float:
    """One over the probability that two strings are the same: P_max if all are equally likely."""
    same = np.ones(grammar.symbols)
    for rules, probabilities in zip(grammar.rules, grammar.probabilities, strict=True):
        same = (np.square(probabilities) * same[rules].prod(axis=2)).sum(axis=1)
    with np.errstate(divide="ignore"):  # of very many strings, no two are the same
        return float(np.square(float(grammar.symbols)) / same.sum())


@cache
def _weight_classes(grammar: Grammar) -> _Classes:
    """Logarithms of the products of weights of all strings, and how many strings have each."""
    below = [(np.zeros(1), np.ones(1))] * grammar.symbols
    most = _MOST_PRODUCTS // (grammar.symbols * grammar.synonyms)
    for level, numbers in enumerate(grammar.rule_counts):
        below = [
            _merged([
                _joined(weight, [below[child] for child in rule], most)
                for rule, weight in zip(
                    grammar.rules[level, symbol, :number],
                    grammar.weights[level, symbol, :number],
                    strict=True,
                )
            ])
            for symbol, number in enumerate(numbers)
        ]  # fmt: skip
    return _merged(below)


def _joined(weight: float, parts: list[_Classes], most: int) -> _Classes:
    """Classes of trees under a rule of this weight, out of those of its children.

    NaN where more than `most` products would have to be told apart.
    """
    logarithms, counts = np.log([weight]), np.ones(1)
    for more, numbers in parts:
        if len(logarithms) * len(more) > most:
            return np.full(1, np.nan), np.full(1, np.nan)
        logarithms, counts = _merged([
            (np.add.outer(logarithms, more).ravel(), np.multiply.outer(counts, numbers).ravel())
        ])  # fmt: skip
    return logarithms, counts


def _merged(classes: list[_Classes]) -> _Classes:
    """Put classes of the same product together."""
    logarithms, counts = (np.concatenate(parts) for parts in zip(*classes, strict=True))
    distinct, place = np.unique(logarithms.round(_DIGITS), return_inverse=True)
    return distinct, np.bincount(place.ravel(), counts, len(distinct))
