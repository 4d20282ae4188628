"""From strings to trees: the bottom-up half of the grammar, linear in the length of the string."""

from dataclasses import dataclass

import numpy as np

from pipeline.grammar.rules import Grammar


@dataclass(frozen=True)
class Parse:
    """Trees of N strings.

    Attributes:
        symbols: for each level 0..L, the symbol of every node, int64 [N, s**(L - level)]; -1 where
            the subtree is not one that the grammar derives.
        rules: for each level 1..L, which of the m synonyms the node was written with; -1 likewise.
    """

    symbols: list[np.ndarray]
    rules: list[np.ndarray]

    def valid(self, level: int) -> np.ndarray:
        """Which level-`level` nodes have a subtree that parses, bool [N, nodes]."""
        return self.symbols[level] >= 0

    def children_valid(self, level: int) -> np.ndarray:
        """Which level-`level` nodes have children that all parse, bool [N, nodes]."""
        nodes = self.symbols[level].shape[1]
        below = self.valid(level - 1)
        return below.reshape(len(below), nodes, -1).all(axis=2)


def parse(grammar: Grammar, tokens: np.ndarray) -> Parse:
    """Parse strings, integers [N, s**L]; a symbol outside 0..v-1 is treated as invalid."""
    symbols = [np.where(tokens < grammar.symbols, tokens.astype(np.int64), -1)]
    rules = []
    for level in range(1, grammar.depth + 1):
        tuples = symbols[-1].reshape(len(tokens), -1, grammar.branching)
        known = (tuples >= 0).all(axis=2)
        codes = np.where(known, grammar.tuple_codes(tuples), 0)
        production = np.where(known, grammar.inverse[level - 1][codes], -1)
        symbols.append(np.where(production >= 0, production // grammar.synonyms, -1))
        rules.append(np.where(production >= 0, production % grammar.synonyms, -1))
    return Parse(symbols, rules)


def choices_of(parsed: Parse) -> np.ndarray:
    """Choices, top down, that derive fully valid strings: the inverse of `derive`."""
    return np.concatenate([parsed.symbols[-1], *reversed(parsed.rules)], axis=1)
