"""Dataset sizes at which clustering finds a level, and at which a block becomes invariant to it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pipeline.analysis.curves import FEWEST_POINTS, GRAMMAR, REPLICA, finite_sizes, halfway
from pipeline.randomness import stream_key, uniforms

_DRAWS = 100
"""Random groupings behind the chance level of clustering."""

_UNIT = [*GRAMMAR, "grammar_seed", "data_seed", "level"]


def clustering_thresholds(theory: pd.DataFrame) -> pd.DataFrame:
    """Half-way points of class accuracy, per grammar, training set and class level."""
    frame = finite_sizes(theory[theory["quantity"] == "class_accuracy"])
    return pd.DataFrame(_clustering(frame), columns=[*_UNIT, "threshold", "status"])


def invariance_thresholds(probes: pd.DataFrame) -> pd.DataFrame:
    """Sizes at which block l + 1 up lost half its sensitivity to synonyms of level l.

    It has one position for every node of level l, as block l down has. That one must keep which
    synonym it saw, for its output is also what the skip connection hands on.

    Args:
        probes: rows of that table at one checkpoint of every trajectory, of finite sizes.
    """
    above = probes["block"] == "up" + (probes["level"] + 1).astype("Int64").astype(str)
    frame = probes[above & (probes["quantity"] == "synonym_sensitivity")]
    rows = _invariance(frame.dropna(subset="estimate"))
    return pd.DataFrame(rows, columns=[*REPLICA, "level", "threshold", "status"])


def chance_class_accuracy(v: int, m: int) -> float:
    """Class accuracy of random groups of m tuples, under the best naming of groups by symbols.

    Above 1 / v because names are fitted: about 0.3 for v = 16, m = 4.
    """
    from scipy.optimize import linear_sum_assignment  # late: not every verdict needs it

    found = []
    for draw in uniforms(stream_key("naming", v, m), np.arange(_DRAWS)[:, None], np.arange(v * m)):
        groups = np.argsort(draw) // m
        table = np.zeros((v, v))
        np.add.at(table, (groups, np.arange(v * m) // m), 1)
        found.append(table[linear_sum_assignment(-table)].sum() / (v * m))
    return float(np.mean(found))


def _clustering(frame: pd.DataFrame) -> Iterator[tuple]:
    for place, unsorted in frame.groupby(_UNIT):
        curve = unsorted.sort_values("dataset_size")
        if len(curve) >= FEWEST_POINTS:
            chance = chance_class_accuracy(*place[:2])
            yield *place, *_halfway(curve["dataset_size"], curve["estimate"], chance)


def _invariance(frame: pd.DataFrame) -> Iterator[tuple]:
    for place, unsorted in frame.groupby([*REPLICA, "level"]):
        curve = unsorted.sort_values("dataset_size")
        first = curve["estimate"].iloc[0]
        if len(curve) >= FEWEST_POINTS and first > 0:
            yield *place, *_halfway(curve["dataset_size"], 1 - curve["estimate"] / first, 0.0)


def _halfway(sizes: pd.Series, values: pd.Series, chance: float) -> tuple[float, str]:
    return halfway(sizes.to_numpy(float), values.to_numpy(float), chance)
