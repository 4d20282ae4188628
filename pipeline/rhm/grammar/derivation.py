"""From rule choices to strings: the top-down half of the grammar."""

import numpy as np

from pipeline.rhm.grammar.rules import Grammar


def choice_radices(grammar: Grammar) -> list[int]:
    """Number of options of each choice of a derivation: the root, then node by node, top down."""
    nodes = (grammar.branching**grammar.depth - 1) // (grammar.branching - 1)
    return [grammar.symbols] + [grammar.synonyms] * nodes


def draw_choices(grammar: Grammar, uniforms: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Make the choices of derivations, of rules by their probabilities, and of roots equally.

    Args:
        grammar: the rules.
        uniforms: on [0, 1), float64 [N, choices] in the order of `choice_radices`.
        given: the first of these choices if they are made already, none, the root's, or the root's
            and its rule's, integers [N, 0..2].

    Returns:
        Choices, int64 [N, choices].
    """
    choices = (uniforms * choice_radices(grammar)).astype(np.int64)
    made = given.shape[1]
    choices[:, :made] = given
    if grammar.has_equal_rules:
        return choices
    symbols, used = choices[:, :1], 1
    for level in range(grammar.depth, 0, -1):
        of_level = slice(used, used + symbols.shape[1])
        if used >= made:
            choices[:, of_level] = _draw_rules(grammar, level, symbols, uniforms[:, of_level])
        symbols = grammar.rules[level - 1][symbols, choices[:, of_level]].reshape(len(symbols), -1)
        used = of_level.stop
    return choices


def _draw_rules(
    grammar: Grammar, level: int, symbols: np.ndarray, uniforms: np.ndarray
) -> np.ndarray:
    """Rules of nodes whose symbols [N, nodes] are of one level, from uniforms [N, nodes]."""
    ends = grammar.probabilities[level - 1].cumsum(axis=1)
    # All symbols are looked up at once: the ends of symbol a lie between a and a + 1.
    ends = (ends / ends[:, -1:] + np.arange(grammar.symbols)[:, None]).ravel()
    found = np.searchsorted(ends, uniforms + symbols, side="right") - symbols * grammar.synonyms
    return np.minimum(found, grammar.rule_counts[level - 1][symbols] - 1)


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
