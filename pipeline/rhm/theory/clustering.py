"""Learning a grammar by clustering: tuples that occur in the same contexts are synonyms.

The algorithm behind the sample complexity of Favero et al. (ICML 2025), arXiv 2502.12089. Level by
level it tabulates how often each tuple of the classes below occurs with a token of its context,
groups the tuples by their rows of that table, and replaces them by their groups. A row tells two
classes of level l apart where it is longer than its sampling noise, from P = v m**(l + 2) / (1 - f)
strings on, f = m / v**(s - 1), if rules are equally likely.

Our choice, not published: tuples are observed at one position (the left edge of the string) with
one token of context (the nearest, right after the tuple); rows are square roots of frequencies;
groups are those of balanced k-means. All positions and tokens together would need fewer strings.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from pipeline.base.randomness import uniforms
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar

RESTARTS = 10
"""Random starts of k-means; the best objective wins."""


def cluster_tuples(
    training: np.ndarray, symbols: int, synonyms: int, branching: int, key: int
) -> list[np.ndarray]:
    """Find the classes of synonyms that a training set shows, from the tokens upwards.

    The law fails where rows do not tell classes apart at any P: a class that is no first child of a
    rule, as a fraction exp(-m) of them are, never stands at the left edge; for small m, two classes
    can have the same siblings; and mistakes add up over levels. Measured with all strings, (v, m) =
    (16, 4), (10, 3), (16, 2), L = 3: accuracy 1.00, 0.97, 0.90 at level 1, 0.99, 0.91, 0.74 at 2.

    Args:
        training: strings, uint8 [P, s**L].
        symbols: number of symbols at every level, v.
        synonyms: number of tuples of a class, m; the largest, where classes differ.
        branching: number of children of a node, s.
        key: stream key of the starts of k-means.

    Returns:
        For each level l = 1..L-1, int64 [v**s]: the class in 0..v-1 of every tuple, by its code, of
        level-(l-1) classes; -1 where unknown. The root's class has no context to be found by.
    """
    width = training.shape[1] // branching
    nodes, classes = training[:, :width].astype(np.int64), list[np.ndarray]()
    while width > 1:
        codes = tuple_codes(nodes, symbols, branching)
        context = training[:, training.shape[1] // width]
        table = context_table(codes[:, 0], context, symbols, branching)
        classes.append(_classes_of(table, synonyms, key, len(classes) + 1))
        nodes = look_up(classes[-1], codes)
        width //= branching
    return classes


def class_accuracy(
    classes: list[np.ndarray], grammar: Grammar, test: np.ndarray
) -> list[tuple[float, float]]:
    """Compare the classes of the nodes of test strings with their symbols, level by level.

    Args:
        classes: tables of `cluster_tuples`.
        grammar: the true rules.
        test: strings of the grammar, uint8 [N, s**L].

    Returns:
        For each level 1..L-1, the fraction of its nodes, at any position, whose class is the right
        one under the best one-to-one naming of classes by symbols, and its standard error over
        strings. An unknown class is wrong.
    """
    nodes, accuracy = test.astype(np.int64), []
    for table, truth in zip(classes, parse(grammar, test).symbols[1:-1], strict=True):
        nodes = look_up(table, tuple_codes(nodes, grammar.symbols, grammar.branching))
        right = (_best_names(nodes, truth, grammar.symbols)[nodes] == truth).mean(axis=1)
        accuracy.append((float(right.mean()), float(right.std(ddof=1) / np.sqrt(len(right)))))
    return accuracy


def tuple_coverage(grammar: Grammar, training: np.ndarray) -> float:
    """Fraction of the tuples of level-1 rules that occur in strings [P, s**L], anywhere."""
    codes = tuple_codes(training.astype(np.int64), grammar.symbols, grammar.branching)
    seen = np.bincount(codes.ravel(), minlength=grammar.inverse.shape[1]) > 0
    return float(seen[grammar.inverse[0] >= 0].mean())


def tuple_codes(nodes: np.ndarray, symbols: int, branching: int) -> np.ndarray:
    """Codes of the tuples of nodes [N, n], int64 [N, n / s]; -1 for one with an unknown node."""
    tuples = nodes.reshape(len(nodes), -1, branching)
    codes = tuples @ symbols ** np.arange(branching - 1, -1, -1)
    return np.where((tuples >= 0).all(axis=2), codes, -1)


def look_up(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Classes of tuples; -1 for a tuple without a code."""
    return np.where(codes >= 0, table[codes], -1)


def context_table(
    codes: np.ndarray, context: np.ndarray, symbols: int, branching: int
) -> np.ndarray:
    """How often each tuple code [N] occurs with each token of its context [N], int64 [v**s, v]."""
    known = codes >= 0
    pairs = codes[known] * symbols + context[known]
    return np.bincount(pairs, minlength=symbols ** (branching + 1)).reshape(-1, symbols)


def balanced_kmeans(points: np.ndarray, clusters: int, size: int, *path: int) -> np.ndarray:
    """Partition points into clusters of at most `size`, with a small sum of squared distances.

    Args:
        points: float64 [n, features], n <= clusters * size.
        clusters: number of clusters.
        size: largest size of a cluster; all have it if n = clusters * size.
        path: stream key and coordinates of the random starts.

    Returns:
        Clusters, int64 [n].
    """
    draws = (uniforms(*path, start, np.arange(clusters)) for start in range(RESTARTS))
    runs = [_descend(points, _spread(points, draw), size) for draw in draws]
    return min(runs, key=lambda run: run[0])[1]


def _classes_of(table: np.ndarray, synonyms: int, key: int, level: int) -> np.ndarray:
    """Cluster the v * m most frequent tuples by their rows; the others keep class -1."""
    symbols, count = table.shape[1], table.sum(axis=1)
    # above level 1, wrong classes below make more tuples than the grammar has
    kept = np.argsort(-count, kind="stable")[: symbols * synonyms]
    kept = kept[count[kept] > 0]
    classes = np.full(len(table), -1)
    if len(kept) > 0:
        classes[kept] = balanced_kmeans(_rows(table[kept]), symbols, synonyms, key, level)
    return classes


def _rows(counts: np.ndarray) -> np.ndarray:
    """Square roots of the frequencies of each row: every entry has the same sampling noise.

    Measured for (v, m) = (16, 4), (8, 4), (10, 3), levels 1 and 2, at 1, 2, 4, 8 times the law:
    mean accuracy 0.84; 0.77 for frequencies, 0.79 for those over the root of the token's frequency,
    less for each scaled to unit length. All of them follow the law: for m = 4..8, v = 8..32 and
    laws of 1,000 to 33,000, six tenths are right at 0.5 to 1.3 times it, for roots at 0.5 to 0.9.
    Centring would shift all rows alike, and change no distance.
    """
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True))


def _descend(points: np.ndarray, centres: np.ndarray, size: int) -> tuple[float, np.ndarray]:
    """Balanced k-means from given centres [clusters, features]: objective and clusters [n]."""
    objective = np.inf
    while True:
        distances = np.square(points[:, None] - centres).sum(axis=2)
        # Every centre has `size` places, and every place takes at most one point.
        places = linear_sum_assignment(np.repeat(distances, size, axis=1))[1]
        labels, last = places // size, objective
        objective = float(distances[np.arange(len(labels)), labels].sum())
        if objective >= last * (1 - 1e-12):  # it falls no more, but for rounding
            return objective, labels
        for cluster in np.unique(labels):
            centres[cluster] = points[labels == cluster].mean(axis=0)


def _spread(points: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Starts of k-means++ (Arthur & Vassilvitskii 2007), a copy, from uniforms [clusters]."""
    chosen = [int(draws[0] * len(points))]
    nearest = np.full(len(points), np.inf)
    for draw in draws[1:]:
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
        total = np.cumsum(nearest)
        place = int(np.searchsorted(total, draw * total[-1], side="right"))
        chosen.append(min(place, len(points) - 1))  # all distances zero: any point
    return points[chosen]


def _best_names(nodes: np.ndarray, truth: np.ndarray, symbols: int) -> np.ndarray:
    """Symbol of each class, [v + 1], that makes most nodes right; the last, class -1, has none."""
    known = nodes >= 0
    pairs = nodes[known] * symbols + truth[known]
    confusion = np.bincount(pairs, minlength=symbols**2).reshape(symbols, symbols)
    return np.append(linear_sum_assignment(confusion, maximize=True)[1], -1)
