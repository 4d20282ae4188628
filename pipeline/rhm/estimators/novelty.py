"""Which samples, and which parts of them, are not copied from the training set."""

from collections.abc import Iterator

import numpy as np

from pipeline.measurement.estimate import Row, ratio
from pipeline.measurement.numbering import number_rows, number_tuples


def novel_subtrees(samples: np.ndarray, training: np.ndarray, branching: int) -> list[np.ndarray]:
    """For each level 1..L, whether each node's string of tokens is absent from the training set.

    Args:
        samples: tokens [N, s**L].
        training: tokens [P, s**L].
        branching: children of a node, s.

    Returns:
        Bool arrays [N, s**(L - level)]. A subtree counts as seen wherever it stood.
    """
    numbers = np.concatenate([training, samples])
    bound = int(numbers.max()) + 1
    novel = []
    while numbers.shape[1] > 1:
        numbers, bound = number_tuples(numbers.reshape(len(numbers), -1, branching), bound)
        known, generated = numbers[: len(training)], numbers[len(training) :]
        novel.append(~np.isin(generated, known))
    return novel


def novelty(samples: np.ndarray, novel: np.ndarray, valid: np.ndarray) -> Iterator[Row]:
    """Rows of the fractions of copies, of distinct strings, and of valid and novel strings.

    Args:
        samples: tokens [N, d].
        novel: strings that are not in the training set, bool [N].
        valid: strings that the grammar derives, bool [N].
    """
    ones = np.ones(len(samples), dtype=int)
    yield Row("copied_fraction", *ratio(~novel, ones))
    yield Row("valid_and_novel_fraction", *ratio(valid & novel, ones))
    numbers = np.sort(number_rows(samples))
    distinct = (1 + np.count_nonzero(np.diff(numbers))) / len(samples)
    yield Row("distinct_fraction", distinct, float("nan"), len(samples))


def copying(novel: np.ndarray, valid: np.ndarray, share: float) -> Row:
    """Row of `copied_excess`, copies beyond those that a perfect sampler draws by chance.

    A perfect sampler, too, hits the training set with probability q: its share of all strings, if
    they are equally likely. If a fraction e of the samples were copies on purpose, and the rest
    either invalid or drawn from all strings, copies c and valid strings w would obey
    c = e + q (w - e). Hence the estimate e = (c - q w) / (1 - q): 0 for a perfect sampler and
    before anything is learnt, 1 where all samples are copies. Unlike the fraction of copies among
    valid samples, which early in training are too few, it is defined at every step.

    Args:
        novel: strings that are not in the training set, bool [N].
        valid: strings that the grammar derives, bool [N].
        share: q; at 1 there is nothing but copies, and the excess is NaN.
    """
    if share >= 1:
        return Row("copied_excess", float("nan"), float("nan"), len(novel))
    excess = (~novel - share * valid) / (1 - share)
    return Row("copied_excess", *ratio(excess, np.ones(len(novel), dtype=int)))
