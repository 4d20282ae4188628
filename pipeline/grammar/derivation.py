"""From rule choices to strings: the top-down half of the grammar."""

import numpy as np

from pipeline.grammar.rules import Grammar


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
    symbols = choices[:, :1].astype(np.intp)
    used = 1
    for level in range(grammar.depth, 0, -1):
        nodes = symbols.shape[1]
        rule = symbols * grammar.synonyms + choices[:, used : used + nodes]
        table = grammar.rules[level - 1].reshape(-1, grammar.branching)
        symbols = table[rule].reshape(len(choices), nodes * grammar.branching)
        used += nodes
    return symbols.astype(np.uint8)
