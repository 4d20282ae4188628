"""How many of the grammar's rules samples obey, level by level, and among which samples.

Node accuracy is the fraction of level-l nodes whose whole subtree parses; string accuracy the
fraction of strings all of whose level-l nodes do; conditional accuracy the fraction of level-l
tuples that are valid among those whose symbols were all inferred.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.measurement.estimate import Row, ratio
from pipeline.rhm.grammar.parsing import Parse


def accuracies(parsed: Parse, novel: list[np.ndarray]) -> Iterator[Row]:
    """Rows of the three accuracies at every level.

    Args:
        parsed: trees of N strings.
        novel: for each level 1..L, whether the subtree of each node is absent from the training
            set, bool [N, nodes]; the last says which strings are novel.
    """
    for level in range(1, len(novel) + 1):
        valid, known_children = parsed.valid(level), parsed.children_valid(level)
        whole = np.logical_and.reduce(valid.T)[:, None]
        groups = {
            "all": np.ones_like(valid),
            "novel_strings": np.broadcast_to(novel[-1], valid.shape),
            "novel_subtrees": novel[level - 1],
        }
        for among, chosen in groups.items():
            right = valid & chosen
            yield _row("node_accuracy", among, level, right, chosen)
            yield _row("conditional_accuracy", among, level, right, chosen & known_children)
            if among != "novel_subtrees":
                one = chosen[:, :1]
                yield _row("string_accuracy", among, level, whole & one, one)


def _row(quantity: str, among: str, level: int, good: np.ndarray, cases: np.ndarray) -> Row:
    return Row(quantity, *ratio(good.sum(axis=1), cases.sum(axis=1)), among, level)
