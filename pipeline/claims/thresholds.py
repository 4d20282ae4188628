"""Dataset sizes at which clustering finds a level, or synonyms align in one step or are ignored."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from pipeline.analysis.curves import FEWEST_POINTS, GRAMMAR, REPLICA, finite_sizes
from pipeline.analysis.groups import grouped
from pipeline.analysis.half_way import HalfWay, crossing, half_way
from pipeline.base.randomness import stream_key, uniforms

_DRAWS = 100
"""Random groupings behind the chance level of clustering."""

_UNIT = [*GRAMMAR, "grammar_seed", "data_seed", "level"]


def clustering_thresholds(theory: pd.DataFrame) -> pd.DataFrame:
    """Half-way points of class accuracy, per grammar, training set and class level.

    A curve counts wherever it levels off, as with few synonyms clustering does not find all
    classes, even in all strings.
    """
    frame = finite_sizes(theory[theory["quantity"] == "class_accuracy"])
    chances = {place: chance_class_accuracy(*place) for place, _ in grouped(frame, ["v", "m"])}

    def found(place: tuple[int, ...], sizes: np.ndarray, accuracy: np.ndarray) -> HalfWay:
        return half_way(sizes, accuracy, chances[place[:2]], 1.0, converged=0.0)

    return _of_curves(frame, _UNIT, found)


def one_step_thresholds(theory: pd.DataFrame) -> pd.DataFrame:
    """Sizes at which first updates of synonyms have a cosine of one half, for good."""
    frame = finite_sizes(theory[theory["quantity"] == "synonym_update_similarity"])
    frame = frame.dropna(subset="estimate")
    return _of_curves(frame, _UNIT, lambda _, sizes, cosine: crossing(sizes, 1 - cosine, 0.5))


def invariance_thresholds(probes: pd.DataFrame) -> pd.DataFrame:
    """Sizes at which block l + 1 up is half as sensitive to synonyms of level l, for good.

    Half as sensitive as to tuples of another symbol, whose sensitivity is 1. That block has one
    position for every node of level l, as block l down has. But the latter must keep which synonym
    it saw, for its output is also what the skip connection hands on.

    Args:
        probes: rows of that table at one checkpoint of every trajectory, of finite sizes.
    """
    above = probes["block"] == "up" + (probes["level"] + 1).astype("Int64").astype(str)
    frame = probes[above & (probes["quantity"] == "synonym_sensitivity")]
    frame = frame.dropna(subset="estimate")
    return _of_curves(
        frame, [*REPLICA, "level"], lambda _, sizes, sensitivity: crossing(sizes, sensitivity, 0.5)
    )


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


def _of_curves(
    frame: pd.DataFrame,
    unit: list[str],
    found: Callable[[tuple[int, ...], np.ndarray, np.ndarray], HalfWay],
) -> pd.DataFrame:
    """Half-way point of the curve of every unit over dataset size, if it has enough points."""
    rows = []
    for place, unsorted in grouped(frame, unit):
        curve = unsorted.sort_values("dataset_size")
        if len(curve) >= FEWEST_POINTS:
            sizes, values = (curve[name].to_numpy(float) for name in ("dataset_size", "estimate"))
            rows.append((*place, *found(place, sizes, values)))
    return pd.DataFrame(rows, columns=[*unit, *HalfWay._fields])
