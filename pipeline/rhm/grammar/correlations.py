"""Exact token-token correlations of a grammar, and the closed-form law of their average."""

import numpy as np

from pipeline.rhm.grammar.rules import Grammar


def joint_excess(grammar: Grammar, first: int, second: int) -> np.ndarray:
    """p(x_first = a, x_second = b) - p(x_first = a) p(x_second = b), exact, float64 [v, v]."""
    level = common_ancestor_level(grammar.branching, first, second)
    prior = node_marginal(grammar, level, first // grammar.branching**level)
    children = grammar.rules[level - 1]
    below = grammar.branching ** (level - 1)
    left, right = (position // below % grammar.branching for position in (first, second))
    to_first, to_second = (_token_given_node(grammar, level - 1, p) for p in (first, second))
    weights = np.repeat(prior / grammar.synonyms, grammar.synonyms)
    weights *= grammar.weights[level - 1].ravel()
    a, b = (to[children[:, :, k].ravel()] for to, k in ((to_first, left), (to_second, right)))
    joint = np.einsum("r,ra,rb->ab", weights, a, b)
    return joint - np.outer(joint.sum(axis=1), joint.sum(axis=0))


def common_ancestor_level(branching: int, first: int, second: int) -> int:
    """Level of the lowest node above both tokens; 1 for siblings."""
    level = 0
    while first != second:
        first, second, level = first // branching, second // branching, level + 1
    return level


def correlation_law(v: int, m: int, s: int, level: int) -> float:
    """Root mean square excess over grammars and symbol pairs, for tokens that meet at `level`.

    sqrt((1 - f) / (v**3 m**(2 level - 1))) with f = m / v**(s-1), to leading order in v and m
    (derived after Cagnetta & Wyart 2024). For m equally likely rules of every symbol only.
    """
    return float(np.sqrt((1 - m / v ** (s - 1)) / (v**3 * m ** (2 * level - 1))))


def node_marginal(grammar: Grammar, level: int, node: int) -> np.ndarray:
    """Distribution of the symbol of one node of a level, [v]; the root is uniform."""
    marginal = np.full(grammar.symbols, 1 / grammar.symbols)
    for above in range(grammar.depth, level, -1):
        child = node // grammar.branching ** (above - 1 - level) % grammar.branching
        marginal = marginal @ _child_given_parent(grammar, above, child)
    return marginal


def _child_given_parent(grammar: Grammar, level: int, child: int) -> np.ndarray:
    """p(child symbol | parent symbol) for one child position, [v, v]."""
    one_hot = np.eye(grammar.symbols)[grammar.rules[level - 1, :, :, child]]
    return (one_hot * grammar.weights[level - 1, :, :, None]).mean(axis=1)


def _token_given_node(grammar: Grammar, level: int, position: int) -> np.ndarray:
    """p(token at `position` | symbol of its level-`level` ancestor), [v, v]."""
    transition = np.eye(grammar.symbols)
    for below in range(level, 0, -1):
        child = position // grammar.branching ** (below - 1) % grammar.branching
        transition = transition @ _child_given_parent(grammar, below, child)
    return transition
