"""Stage `analyse`: the dataset size, and the training time, at which each level is half learnt.

Both are found by several criteria, as these fail in different ways: node accuracy counts what luck
gets right, conditional accuracy only what is right given right children, the correlation ratio
knows nothing of rules, and excess loss knows nothing of samples.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.curves import (
    FEWEST_POINTS,
    GRAMMAR,
    REPLICA,
    at_best_checkpoint,
    chance_accuracy,
    finite_sizes,
    predicted_size,
)
from pipeline.analysis.groups import grouped
from pipeline.analysis.half_way import HalfWay, crossing, half_way
from pipeline.analysis.settings import HalfWayRules
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.spec import Spec
from pipeline.base.types import Values

ACCURACIES = ("node_accuracy", "conditional_accuracy", "string_accuracy")
LOSS = "excess_loss"
CRITERIA = (*ACCURACIES, "correlation_ratio", LOSS)
"""Quantities whose half-way points are read off."""

_LEVEL = [*REPLICA, "level", "quantity", "among"]
_COLUMNS = [
    *_LEVEL,
    "variable",
    "threshold",
    "status",
    "top",
    "least",
    "most",
    "predicted",
    "chance",
    "ceiling",
]


def analyse(
    spec: Spec[HalfWayRules], measurements: Path, losses: Path, probes: Path, output: Path
) -> None:
    """Read off half-way points per replica, level and criterion, by the rules in the spec.

    Args:
        spec: spec of the stage, whose settings say among which samples, and what is converged.
        measurements: table of a setting.
        losses: of the same setting; they say which checkpoint is best.
        probes: of the same setting, for excess losses.
        output: one row per replica, level, criterion and variable.
    """
    settings, taken = spec.settings, tables.read_table(losses, "losses")
    rows: list[Values] = []
    for frame in (_rises(measurements, settings.among), _falls(probes)):
        by_size = finite_sizes(at_best_checkpoint(frame, taken))
        online = frame[frame["dataset_size"] == "online"]
        for variable, curves in (("dataset_size", by_size), ("step", online)):
            rows += thresholds(curves, variable, settings.converged)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    tables.write_table(output, table, make_stamp("sample_complexity", spec, {}))


def thresholds(frame: pd.DataFrame, variable: str, converged: float) -> Iterator[Values]:
    """Where the curve of each replica, level and criterion is half-way up, or down.

    Args:
        frame: rows of `CRITERIA` with `chance` and `ceiling`, undefined ones left out.
        variable: what it is a curve of: `dataset_size`, as a number, or `step`.
        converged: see `half_way`.
    """
    for place, unsorted in grouped(frame, _LEVEL):
        if len(unsorted) < FEWEST_POINTS:
            continue
        curve, labels = unsorted.sort_values(variable), dict(zip(_LEVEL, place, strict=True))
        x = curve[variable].to_numpy(float)
        chance, ceiling = (float(curve[name].iloc[-1]) for name in ("chance", "ceiling"))
        if (chance >= ceiling) if labels["quantity"] != LOSS else (chance <= ceiling):
            continue  # knowing the level is worth nothing
        found = _read_off(x, curve["estimate"].to_numpy(float), chance, ceiling, converged)
        v, m, s, _, level = (int(labels[name]) for name in (*GRAMMAR, "level"))
        yield {
            **labels,
            **found._asdict(),
            "variable": variable,
            "least": x[0],
            "most": x[-1],
            "predicted": predicted_size(v, m, s, level),
            "chance": chance,
            "ceiling": ceiling,
        }


def accuracy_curves(measurements: pd.DataFrame) -> pd.DataFrame:
    """Rows of accuracies with `chance`, and of correlation ratios, which rise from 0 to 1.

    Ratios are those of tokens that meet at a level, not of tokens at a distance.
    """
    defined = measurements["estimate"].notna() & measurements["level"].notna()
    frame = measurements[defined & measurements["quantity"].isin(CRITERIA)]
    places = frame[["quantity", *GRAMMAR, "level"]].drop_duplicates()
    chances = [
        0.0 if row.quantity == "correlation_ratio" else chance_accuracy(*row)
        for row in places.itertuples(index=False)
    ]
    ratios = frame["quantity"] == "correlation_ratio"
    frame = frame.assign(ceiling=frame["ceiling"].mask(ratios, 1.0))
    return frame.merge(places.assign(chance=np.array(chances, float)), on=list(places))


def _rises(path: Path, among: str) -> pd.DataFrame:
    """Curves of finite sizes over the samples that count, and online curves over all samples.

    Online, strings are fresh, and there are hardly any copies of them.
    """
    frame = accuracy_curves(tables.read_table(path, "measurements", CRITERIA))
    counted = np.where(frame["dataset_size"] == "online", "all", among)
    return frame[frame["among"] == counted]


def _falls(path: Path) -> pd.DataFrame:
    """Excess losses over all noise levels, repeated for every level.

    Who knows the levels up to l has a lower loss than who knows those up to l - 1. So the excess
    falls from `chance`, the plateau of the latter, to `ceiling`, the plateau of the former.
    """
    plateau = "plateau_excess_loss"
    frame = tables.read_table(path, "probes", (LOSS, plateau))
    frame = frame[(frame["noise_low"] == 0) & (frame["noise_high"] == 1)]
    place = [*REPLICA, "dataset_size", "step"]
    plateaus = frame[frame["quantity"] == plateau][[*place, "level", "estimate"]]
    knows = plateaus.rename(columns={"estimate": "ceiling"})
    knows_less = plateaus.assign(level=plateaus["level"] + 1).rename(columns={"estimate": "chance"})
    # Who knows all L levels has no excess.
    worth = knows_less.merge(knows, "left", [*place, "level"]).fillna({"ceiling": 0.0})
    excess = frame[frame["quantity"] == LOSS].drop(columns="level")
    return excess.merge(worth, on=place).assign(among="test_strings").dropna(subset="estimate")


def _read_off(
    x: np.ndarray, values: np.ndarray, chance: float, ceiling: float, converged: float
) -> HalfWay:
    """Middle of a fitted sigmoid; a loss, which falls on with the next level, has its crossing."""
    if chance > ceiling:
        return crossing(x, values, (chance + ceiling) / 2)
    return half_way(x, values, chance, ceiling, converged)
