"""From strings to trees: the bottom-up half of the grammar, linear in the length of the string."""

from dataclasses import dataclass

import numpy as np

from pipeline.rhm.grammar.rules import Grammar

_CHUNK = 2**14
"""Strings that are parsed at once: what is computed on the way stays in cache."""


@dataclass(frozen=True)
class Parse:
    """Trees of N strings.

    Attributes:
        symbols: for each level 0..L, the symbol of every node, signed integers
            [N, s**(L - level)]; -1 where the subtree is not one that the grammar derives.
        rules: for each level 1..L, which of the m synonyms the node was written with; -1 likewise.
    """

    symbols: list[np.ndarray]
    rules: list[np.ndarray]

    def valid(self, level: int) -> np.ndarray:
        """Which level-`level` nodes have a subtree that parses, bool [N, nodes]."""
        return self.symbols[level] >= 0

    def children_valid(self, level: int) -> np.ndarray:
        """Which level-`level` nodes have children that all parse, bool [N, nodes]."""
        below = self.valid(level - 1)
        branching = below.shape[1] // self.symbols[level].shape[1]
        return np.logical_and.reduce([below[:, child::branching] for child in range(branching)])


def parse(grammar: Grammar, tokens: np.ndarray) -> Parse:
    """Parse strings, integers [N, s**L]; a symbol outside 0..v-1 is treated as invalid."""
    options = 2 * max(grammar.symbols, grammar.synonyms)
    kind = np.promote_types(np.min_scalar_type(-options), np.int16)
    widths = [grammar.length // grammar.branching**level for level in range(grammar.depth + 1)]
    symbols = [np.empty((len(tokens), width), kind) for width in widths]
    rules = [np.empty((len(tokens), width), kind) for width in widths[1:]]
    tables = [_productions(grammar, level).astype(kind) for level in range(grammar.depth)]
    for start in range(0, len(tokens), _CHUNK):
        part = slice(start, start + _CHUNK)
        known = (tokens[part] >= 0) & (tokens[part] < grammar.symbols)
        symbols[0][part] = np.where(known, tokens[part].astype(kind), kind.type(-1))
        for level, (parents, synonyms) in enumerate(tables):
            codes = _tuple_codes(grammar, symbols[level][part])
            symbols[level + 1][part] = parents.take(codes)
            rules[level][part] = synonyms.take(codes)
    return Parse(symbols, rules)


def choices_of(parsed: Parse) -> np.ndarray:
    """Choices, top down, that derive fully valid strings: the inverse of `derive`."""
    return np.concatenate([parsed.symbols[-1], *reversed(parsed.rules)], axis=1)


def _productions(grammar: Grammar, level: int) -> np.ndarray:
    """Parent and rule, [2, (v + 1)**s], of every tuple of `_tuple_codes`; -1 if it has none."""
    v, m, s = grammar.rules.shape[1:]
    table = np.full((2, (v + 1) ** s), -1)
    codes = _tuple_codes(grammar, grammar.rules[level].reshape(1, -1))[0]
    table[:, codes] = np.divmod(np.arange(v * m), m)
    return table


def _tuple_codes(grammar: Grammar, symbols: np.ndarray) -> np.ndarray:
    """Number tuples of neighbours in [N, n s] by reading symbols, from -1 up, in base v + 1."""
    s, base = grammar.branching, grammar.symbols + 1
    codes = symbols[:, ::s].astype(np.intp)
    for child in range(1, s):
        codes *= base
        codes += symbols[:, child::s]
    codes += (base**s - 1) // (base - 1)
    return codes
