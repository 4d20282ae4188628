"""Stage `analyse`: the dataset size, and the training time, at which each level is half learnt."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pipeline import artifacts, tables
from pipeline.analysis.curves import (
    FEWEST_POINTS,
    GRAMMAR,
    REPLICA,
    at_best_checkpoint,
    chance_accuracy,
    finite_sizes,
    halfway,
    predicted_size,
)

_COLUMNS = [
    *REPLICA,
    "level",
    "variable",
    "quantity",
    "threshold",
    "status",
    "predicted",
    "chance",
    "ceiling",
]


def analyse(spec: dict, measurements: Path, losses: Path, output: Path) -> None:
    """Fit thresholds per replica and level, by the rule in `spec["settings"]`."""
    settings = spec["settings"]
    measured = tables.read_table(measurements, "measurements")
    taken = tables.read_table(losses, "losses")
    best = at_best_checkpoint(measured, taken)
    chosen = {"quantity": settings["accuracy"]}
    by_size = finite_sizes(select_accuracy(best, **chosen, among=settings["among"]))
    online = measured[measured["dataset_size"] == "online"]
    by_step = select_accuracy(online, **chosen, among="all")
    rows = [*thresholds(by_size, "dataset_size"), *thresholds(by_step, "step")]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    tables.write_table(output, frame, artifacts.make_stamp("sample_complexity", spec, {}))


def select_accuracy(frame: pd.DataFrame, quantity: str, among: str) -> pd.DataFrame:
    """Rows of one accuracy among one sort of samples, where it is defined."""
    chosen = (frame["quantity"] == quantity) & (frame["among"] == among)
    return frame[chosen & frame["estimate"].notna()]


def thresholds(frame: pd.DataFrame, variable: str) -> Iterator[dict]:
    """Where the accuracy of each replica and level is half-way up.

    Args:
        frame: rows of one accuracy, among one sort of samples, with columns of `measurements`.
        variable: what it is a curve of: `dataset_size`, as a number, or `step`.
    """
    for (*replica, level), unsorted in frame.groupby([*REPLICA, "level"]):
        if len(unsorted) < FEWEST_POINTS:
            continue
        curve = unsorted.sort_values(variable)
        parameters = dict(zip(REPLICA, replica, strict=True))
        v, m, s, L = (parameters[name] for name in GRAMMAR)
        chance = chance_accuracy(curve["quantity"].iloc[0], v, m, s, L, int(level))
        x, accuracy = curve[variable].to_numpy(float), curve["estimate"].to_numpy(float)
        ceiling = float(curve["ceiling"].iloc[0])
        threshold, status = halfway(x, accuracy, chance, ceiling)
        yield {
            **parameters,
            "level": int(level),
            "variable": variable,
            "quantity": curve["quantity"].iloc[0],
            "threshold": threshold,
            "status": status,
            "predicted": predicted_size(v, m, s, int(level)),
            "chance": chance,
            "ceiling": ceiling,
        }
