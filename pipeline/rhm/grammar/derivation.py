"""From rule choices to strings: the top-down half of the grammar."""

import numpy as np

from pipeline.rhm.grammar.rules import Grammar


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
    v, m, s = grammar.rules.shape[1:]
    choices = choices.astype(np.intp)
    symbols, used = choices[:, :1], 1
    for rules in grammar.rules[::-1]:
        nodes = symbols.shape[1]
        numbers = symbols * m + choices[:, used : used + nodes]  # of the tuples of a level
        symbols = rules.reshape(v * m, s).take(numbers, axis=0).reshape(-1, nodes * s)
        used += nodes
    return symbols.astype(np.uint8)
