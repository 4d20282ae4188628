"""How much of what is valid is new: as much as the rules allow, or what was learnt by heart."""

from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np

from pipeline.measurement.estimate import Row, ratio
from pipeline.measurement.numbering import number_tuples
from pipeline.rhm.grammar.correlations import node_marginal
from pipeline.rhm.grammar.frequencies import equal_count, subtree_weights
from pipeline.rhm.grammar.parsing import Parse, parse
from pipeline.rhm.grammar.rules import Grammar


def creativity(
    grammar: Grammar, parsed: Parse, novel: Sequence[np.ndarray], training: np.ndarray
) -> Iterator[Row]:
    """Rows of `unseen_share` and `creativity_index` of every level.

    The index is the share of valid nodes whose tokens occur nowhere in the training set, over the
    share of such nodes in the data: 1 for one who knows the rules and draws by them, 0 for one who
    puts together what was seen. Copies lower it. Lucky valid nodes are as new as those of the data,
    so the index says something of a level only once it is learnt.

    Args:
        grammar: the rules.
        parsed: trees of N generated strings.
        novel: for each level 1..L, which nodes of these are unseen, bool [N, nodes].
        training: tokens [P, s**L].
    """
    for level, expected in enumerate(unseen_shares(grammar, training), 1):
        yield Row("unseen_share", expected, 0.0, len(training), level=level)
        valid = parsed.valid(level)
        share, error, count = ratio((valid & novel[level - 1]).sum(axis=1), valid.sum(axis=1))
        unit = expected if expected > 0 else float("nan")
        yield Row("creativity_index", share / unit, error / unit, count, level=level)


def unseen_shares(grammar: Grammar, training: np.ndarray) -> list[float]:
    """For each level 1..L, which share of the data's nodes has tokens unseen in training, exactly.

    It is over all nodes of a level: 1 minus the sum of the probabilities of all distinct subtrees
    that were seen, wherever they stood. A subtree is as likely, given its symbol, as its rules are.
    """
    parsed, s = parse(grammar, training), grammar.branching
    weights = subtree_weights(grammar, parsed)
    numbers, bound, shares = training, grammar.symbols, []
    for level in range(1, grammar.depth + 1):
        numbers, bound = number_tuples(numbers.reshape(len(numbers), -1, s), bound)
        _, first = np.unique(numbers, return_index=True)
        symbols = parsed.symbols[level].ravel()[first]
        nodes = range(grammar.length // s**level)
        marginal = np.mean([node_marginal(grammar, level, node) for node in nodes], axis=0)
        of_symbol = equal_count(grammar, level) // grammar.symbols
        seen = (marginal[symbols] * weights[level].ravel()[first]).sum() / of_symbol
        # Rounding must not leave a share where all was seen that strings can have.
        counts = grammar.subtrees_of_symbols[level]
        complete = len(first) == sum(compress(counts, marginal > 0))
        shares.append(0.0 if complete else max(0.0, 1.0 - float(seen)))
    return shares
