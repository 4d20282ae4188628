"""From rule choices to strings: the top-down half of the grammar."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from pipeline.rhm.grammar.rules import Grammar

_LISTED = 2**12
"""Most subtrees that are listed and looked up: the lists stay in cache."""


def choice_radices(grammar: Grammar) -> list[int]:
    """Number of options of each choice of a derivation: the root, then node by node, top down."""
    nodes = (grammar.branching**grammar.depth - 1) // (grammar.branching - 1)
    return [grammar.symbols] + [grammar.synonyms] * nodes


def derive(grammar: Grammar, choices: np.ndarray) -> np.ndarray:
    """Derive strings from their choices.

    Args:
        grammar: the rules.
        choices: integers [N, 1 + (s**L - 1) / (s - 1)] in the order of `choice_radices`.

    Returns:
        Tokens, uint8 [N, s**L].
    """
    return Derivation(grammar)(choices)


class Derivation:
    """`derive` of one grammar for many calls; subtrees of few levels are listed, then looked up."""

    def __init__(self, grammar: Grammar) -> None:
        self._synonyms, self._branching = grammar.synonyms, grammar.branching
        *self._above, (self._levels, lowest) = [(g.depth, _subtrees(g)) for g in _cut(grammar)]
        self._lowest = lowest.view(np.dtype((np.void, lowest.shape[1])))[:, 0]

    def __call__(self, choices: np.ndarray) -> np.ndarray:
        """Tokens, uint8 [N, s**L]; fastest if choices are laid out column by column."""
        symbols, columns = [choices[:, 0]], iter(choices.T[1:])
        for levels, subtrees in self._above:
            codes = self._codes(symbols, levels, columns, len(subtrees))
            symbols = [leaf.take(code) for code in codes for leaf in subtrees.T]
        tokens = np.empty((len(choices), len(symbols)), self._lowest.dtype)
        codes = self._codes(symbols, self._levels, columns, len(self._lowest))
        for place, code in enumerate(codes):
            tokens[:, place] = self._lowest.take(code)
        return tokens.view(np.uint8)

    def _codes(
        self, symbols: list[np.ndarray], levels: int, columns: Iterator[np.ndarray], count: int
    ) -> list[np.ndarray]:
        """Numbers, below `count`, of subtrees with given roots, whose choices are next."""
        codes = [symbol.astype(np.min_scalar_type(count)) for symbol in symbols]
        for level in range(levels):
            for code, _ in product(codes, range(self._branching**level)):
                np.multiply(code, self._synonyms, out=code)
                np.add(code, next(columns), out=code, casting="unsafe")
        return codes


def _cut(grammar: Grammar) -> list[Grammar]:
    """Parts of as many levels as have few subtrees, or of one level, from the top down."""
    depths = range(1, grammar.depth + 1)
    few = (n for n in depths if Grammar(grammar.rules[:n]).string_count <= _LISTED)
    levels = max(few, default=1)
    starts = range(0, grammar.depth, levels)
    return [Grammar(grammar.rules[start : start + levels]) for start in reversed(starts)]


def _subtrees(grammar: Grammar) -> np.ndarray:
    """Tokens of all strings, uint8 [strings, d], by their choices read as one number."""
    radices = choice_radices(grammar)
    weights = np.append(np.cumprod(radices[:0:-1])[::-1], 1)
    choices = np.arange(grammar.string_count)[:, None] // weights % radices
    symbols, used = choices[:, :1], 1
    for rules in grammar.rules[::-1]:
        nodes = symbols.shape[1]
        tuples = rules[symbols, choices[:, used : used + nodes]]
        symbols, used = tuples.reshape(len(choices), -1), used + nodes
    return symbols.astype(np.uint8)
