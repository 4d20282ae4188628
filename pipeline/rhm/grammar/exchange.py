"""Strings in which one tuple gives way to a synonym, or to a tuple of another symbol."""

import numpy as np

from pipeline.base.randomness import uniforms
from pipeline.rhm.grammar.derivation import choice_radices, derive
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar

Exchange = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Strings as they are, with a synonym, and with another symbol's tuple, each uint8 [N, d]."""


def exchange_tuples(grammar: Grammar, strings: np.ndarray, key: int) -> dict[int, Exchange]:
    """Exchange the tuple below one random node of each string, at every level 1..L.

    The synonym is one of the m - 1 other rules of the node's symbol, the other tuple any of the m
    rules of one of the v - 1 other symbols, all equally likely. Everything below is derived anew.

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
        nodes = parsed.symbols[level].shape[1]
        node = (uniforms(key, count, level, 0) * nodes).astype(int)
        symbol = parsed.symbols[level][count, node]
        rule = parsed.rules[level - 1][count, node]
        other_rule = _another(rule, grammar.synonyms, uniforms(key, count, level, 1))
        other_symbol = _another(symbol, grammar.symbols, uniforms(key, count, level, 2))
        any_rule = (uniforms(key, count, level, 3) * grammar.synonyms).astype(int)
        below = Grammar(grammar.rules[:level])
        roots = ((symbol, other_rule), (other_symbol, any_rule))
        subtrees = [_derive_below(below, *root, key, level, 4 + i) for i, root in enumerate(roots)]
        synonym, other = (_insert(strings, node, tokens) for tokens in subtrees)
        exchanges[level] = strings, synonym, other
    return exchanges


def _another(value: np.ndarray, size: int, draw: np.ndarray) -> np.ndarray:
    """One of the size - 1 numbers below `size` that are not `value`, equally likely."""
    return (value + 1 + (draw * (size - 1)).astype(int)) % size


def _derive_below(
    grammar: Grammar, symbol: np.ndarray, rule: np.ndarray, key: int, level: int, purpose: int
) -> np.ndarray:
    """Tokens of subtrees whose root's symbol and rule are given, uint8 [N, s**level]."""
    radices = np.array(choice_radices(grammar))
    place = np.arange(len(symbol))[:, None], level, purpose, np.arange(len(radices))
    choices = (uniforms(key, *place) * radices).astype(int)
    choices[:, 0], choices[:, 1] = symbol, rule
    return derive(grammar, choices)


def _insert(strings: np.ndarray, node: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Strings with the tokens of one node each replaced."""
    width = tokens.shape[1]
    changed = strings.copy()
    place = node[:, None] * width + np.arange(width)
    changed[np.arange(len(strings))[:, None], place] = tokens
    return changed
