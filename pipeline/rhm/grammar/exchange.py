"""Strings in which one tuple gives way to a synonym, or to a tuple of another symbol."""

import numpy as np

from pipeline.base.randomness import uniforms
from pipeline.rhm.grammar.derivation import choice_radices, derive, draw_choices
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar

Exchange = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Strings as they are, with a synonym, and with another symbol's tuple, each uint8 [N, d]."""


def exchange_tuples(grammar: Grammar, strings: np.ndarray, key: int) -> dict[int, Exchange]:
    """Exchange the tuple below one random node of each string, at every level 1..L.

    The synonym is one of the m - 1 other rules of the node's symbol, the other tuple any of the m
    rules of one of the v - 1 other symbols, all equally likely, however frequent they are: who sees
    the symbol alone takes rare synonyms for the frequent ones. Everything below is derived anew.

    Where symbols have different numbers of rules, the node is one of those that have another. A
    string without such a node stays as it is in all three, and so adds nothing to any change.

    Args:
        grammar: the rules; with m = 1 there are no synonyms, and nothing is exchanged.
        strings: of the grammar, uint8 [N, d].
        key: stream key.
    """
    if grammar.synonyms == 1:
        return {}
    parsed, count = parse(grammar, strings), np.arange(len(strings))
    exchanges: dict[int, Exchange] = {}
    for level in range(1, grammar.depth + 1):
        numbers = grammar.rule_counts[level - 1]
        eligible = numbers[parsed.symbols[level]] > 1
        node = _one_of(eligible, uniforms(key, count, level, 0))
        symbol = parsed.symbols[level][count, node]
        rule = parsed.rules[level - 1][count, node]
        other_rule = _another(rule, numbers[symbol], uniforms(key, count, level, 1))
        other_symbol = _another(symbol, grammar.symbols, uniforms(key, count, level, 2))
        any_rule = (uniforms(key, count, level, 3) * numbers[other_symbol]).astype(int)
        below = grammar.below(level)
        roots = ((symbol, other_rule), (other_symbol, any_rule))
        subtrees = [_derive_below(below, *root, key, level, 4 + i) for i, root in enumerate(roots)]
        able = eligible.any(axis=1)
        synonym, other = (_insert(strings, node, tokens, able) for tokens in subtrees)
        exchanges[level] = strings, synonym, other
    return exchanges


def _one_of(eligible: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """For each row, [N, nodes], one of its eligible nodes, equally likely; the first if none is."""
    place = (draw * eligible.sum(axis=1)).astype(int)
    return (eligible.cumsum(axis=1) > place[:, None]).argmax(axis=1)


def _another(value: np.ndarray, size: int | np.ndarray, draw: np.ndarray) -> np.ndarray:
    """One of the size - 1 numbers below `size` that are not `value`, equally likely."""
    return (value + 1 + (draw * (size - 1)).astype(int)) % size


def _derive_below(
    grammar: Grammar, symbol: np.ndarray, rule: np.ndarray, key: int, level: int, purpose: int
) -> np.ndarray:
    """Tokens of subtrees whose root's symbol and rule are given, uint8 [N, s**level]."""
    numbers = np.arange(len(choice_radices(grammar)))
    draws = uniforms(key, np.arange(len(symbol))[:, None], level, purpose, numbers)
    return derive(grammar, draw_choices(grammar, draws, np.stack([symbol, rule], axis=1)))


def _insert(
    strings: np.ndarray, node: np.ndarray, tokens: np.ndarray, chosen: np.ndarray
) -> np.ndarray:
    """Strings with the tokens of one node each replaced, if they are chosen."""
    width = tokens.shape[1]
    changed, row = strings.copy(), np.flatnonzero(chosen)
    place = node[row, None] * width + np.arange(width)
    changed[row[:, None], place] = tokens[row]
    return changed
