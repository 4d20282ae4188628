"""Evidence of what is new among samples, how much of it is valid, and when copying starts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.curves import (
    CELL,
    GRAMMAR,
    REPLICA,
    all_inside,
    at_best_checkpoint,
    finite_sizes,
)
from pipeline.claims.evidence import resampled, slope, undetermined
from pipeline.claims.settings import Rules
from pipeline.claims.verdict import Evidence

Tables = Mapping[str, pd.DataFrame]


def creativity(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Creativity index at dataset sizes from P*_l up, least over levels.

    At every level it is the share of valid nodes that are new, divided by the share that knowing
    the rules would give, both summed over all such sizes. Sizes at which hardly any node is unseen
    do not count.
    """
    best = finite_sizes(at_best_checkpoint(tables["measurements"], tables["losses"]))
    place = [*CELL, "level"]
    index, unseen = (
        best[best["quantity"] == name][[*place, "estimate"]]
        for name in ("creativity_index", "unseen_share")
    )
    frame = index.merge(unseen, on=place, suffixes=("", "_unseen")).dropna()
    if frame.empty:
        return None
    frame = _learnt(frame, tables, rules).reset_index(drop=True)
    frame = frame[frame["estimate_unseen"] >= rules.unseen].reset_index(drop=True)
    if frame.empty:
        return undetermined(frame, "at no size is a level learnt and much of it unseen")
    expected = frame["estimate_unseen"].to_numpy(float)
    found = frame["estimate"].to_numpy(float) * expected
    level = frame.groupby("level").ngroup().to_numpy()
    member = np.eye(level.max() + 1)[level]

    def statistic(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return ((weights * found) @ member / ((weights * expected) @ member)).min(axis=1)

    return resampled(frame, statistic, rules, key)


def valid_and_novel(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Largest share over steps of valid and novel samples at the largest size, from P*_L up.

    At smaller sizes, above all at those near P*_L, level L is not learnt to the end. The share is
    relative to that of the exact denoiser with the same sampler, of whose valid samples that share
    is new which the training set leaves unseen, 1 - P / P_max where strings are equally likely.
    """
    measured = finite_sizes(tables["measurements"])
    share = measured[measured["quantity"] == "valid_and_novel_fraction"]
    largest = share.groupby(CELL, as_index=False)["estimate"].max()
    whole = (measured["quantity"] == "string_accuracy") & (measured["level"] == measured["L"])
    ceiling = measured[whole & (measured["among"] == "all")].groupby(CELL)["ceiling"].first()
    top = (measured["quantity"] == "unseen_share") & (measured["level"] == measured["L"])
    # The least, as at early steps not all of the training set was read.
    unseen = measured[top].groupby(CELL)["estimate"].min().rename("unseen")
    frame = largest.merge(ceiling.reset_index(), on=CELL).merge(unseen.reset_index(), on=CELL)
    frame = frame.dropna()
    if frame.empty:
        return None
    largest = frame.groupby(GRAMMAR)["dataset_size"].transform("max")
    frame = frame[frame["dataset_size"] == largest]
    frame = _learnt(frame.assign(level=frame["L"]), tables, rules)
    if frame.empty:
        return undetermined(frame, "not even at the largest size is the highest level learnt")
    relative = (frame["estimate"] / (frame["ceiling"] * frame["unseen"])).to_numpy(float)
    return resampled(frame, lambda w: w @ relative / w.sum(axis=1), rules, key)


def copying_exponent(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Power of P with which the step at which copying starts grows.

    Steps after the learning rate has begun to fall do not count: a falling rate delays copying, and
    more so at larger sizes.
    """
    times = tables["memorization"]
    times = finite_sizes(times[times["quantity"] == "copied_excess"])
    if times.empty:
        return None
    late = times["threshold"] > _constant_until(tables["losses"])
    times = times.assign(status=times["status"].mask(late, "above"))
    frame = all_inside(times, [*GRAMMAR, "dataset_size"])
    if frame["dataset_size"].nunique() < 2:
        return undetermined(frame, "at fewer than two sizes do all copy at the first learning rate")
    x, y = (np.log(frame[name].to_numpy(float)) for name in ("dataset_size", "threshold"))
    return slope(frame, x, y, REPLICA, rules, key)


def _constant_until(losses: pd.DataFrame) -> float:
    """Last checkpoint up to which the learning rate is that of the first; infinite if all."""
    rates = losses.groupby("step")["optimizer_learning_rate"].max().sort_index()
    changed = rates.index[rates != rates.iloc[0]]
    return float("inf") if changed.empty else float(rates.index[rates.index < changed[0]].max())


def _learnt(frame: pd.DataFrame, tables: Tables, rules: Rules) -> pd.DataFrame:
    """Rows of dataset sizes from the half-way point of their replica and level up.

    Levels that are already half learnt at the smallest size keep all their rows.
    """
    points = tables["sample_complexity"]
    chosen = (points["quantity"] == rules.accuracy) & (points["variable"] == "dataset_size")
    points = points[chosen & points["status"].isin(["inside", "below"])]
    points = points.assign(threshold=points["threshold"].mask(points["status"] == "below", 0.0))
    both = frame.merge(points[[*REPLICA, "level", "threshold"]], on=[*REPLICA, "level"])
    return both[both["dataset_size"] >= both["threshold"]].reset_index(drop=True)
