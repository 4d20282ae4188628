"""From strings to trees: the bottom-up half of the grammar, linear in the length of the string."""

from dataclasses import dataclass

import numpy as np

from pipeline.rhm.grammar.rules import Grammar


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
    known = (tokens >= 0) & (tokens < grammar.symbols)
    symbols, rules = [np.where(known, tokens.astype(kind), kind.type(-1))], []
    for level in range(grammar.depth):
        parents, synonyms = _productions(grammar, level).astype(kind)
        codes = _tuple_codes(grammar, symbols[level])
        symbols.append(parents[codes])
        rules.append(synonyms[codes])
    return Parse(symbols, rules)


def choices_of(parsed: Parse) -> np.ndarray:
    """Choices, top down, that derive fully valid strings: the inverse of `derive`."""
    return np.concatenate([parsed.symbols[-1], *reversed(parsed.rules)], axis=1)


def _productions(grammar: Grammar, level: int) -> np.ndarray:
    """Parent and rule, [2, (v + 1)**s], of every tuple of `_tuple_codes`; -1 if it has none."""
    v, m, s = grammar.rules.shape[1:]
    table = np.full((2, (v + 1) ** s), -1)
    codes = _tuple_codes(grammar, grammar.rules[level].reshape(1, -1))[0]
    numbers = np.flatnonzero(grammar.probabilities[level])
    table[:, codes[numbers]] = np.divmod(numbers, m)
    return table


def _tuple_codes(grammar: Grammar, symbols: np.ndarray) -> np.ndarray:
    """Number tuples of neighbours in [N, n s] by reading symbols, from -1 up, in base v + 1."""
    s, base = grammar.branching, grammar.symbols + 1
    tuples = symbols.reshape(-1, symbols.shape[1] // s, s) + 1
    return tuples @ base ** np.arange(s - 1, -1, -1)
