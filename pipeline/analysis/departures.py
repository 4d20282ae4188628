"""Stage `depart`: what departures from a run's settings change, replica by replica.

Replicas of a departure have the grammars and training sets of the run, so they are compared in
pairs: intervals are those of a mean of differences, or of logarithms of ratios.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import artifacts, tables
from pipeline.analysis.curves import (
    CELL,
    GRAMMAR,
    REPLICA,
    best_checkpoints,
    finite_sizes,
    mean_interval,
)
from pipeline.analysis.sample_complexity import select_accuracy, thresholds

BASE = "the run itself"
LAST_CHECKPOINT = "last_checkpoint"
"""A departure that needs no run of its own: the last checkpoint instead of the best one."""
RATIOS = {"dataset_size": "half_way_dataset_size", "step": "half_way_step"}
"""Quantities that are compared by their ratio, by what they are a value of."""
_INVERSE = {"inside": "inside", "above": "below", "below": "above"}
_ONE = [*REPLICA, "level", "quantity"]


def depart(spec: dict, measurements: Sequence[Path], losses: Sequence[Path], output: Path) -> None:
    """Read half-way points and final accuracies off every run, and compare departures with it.

    Args:
        spec: spec of the stage, with the names of the departures.
        measurements: tables of the run, and of its departures in the order of their names.
        losses: likewise.
        output: Parquet file of one row per departure, grammar parameters, level and quantity.
    """
    settings = spec["settings"]
    accuracy, among = settings["accuracy"], settings["among"]
    numbers = {}
    for name, *paths in zip([BASE, *settings["names"]], measurements, losses, strict=True):
        measured = tables.read_table(paths[0], "measurements", [accuracy])
        best = best_checkpoints(tables.read_table(paths[1], "losses"))
        numbers[name] = pd.DataFrame(_numbers(measured, best, accuracy, among))
        if name == BASE:
            last = measured.groupby(CELL, as_index=False)["step"].max()
            numbers[LAST_CHECKPOINT] = pd.DataFrame(_numbers(measured, last, accuracy, among))
    rows = [row for name in numbers for row in _compare(name, numbers[name], numbers[BASE])]
    stamp = artifacts.make_stamp("departures", spec, {})
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _numbers(
    measured: pd.DataFrame, checkpoints: pd.DataFrame, accuracy: str, among: str
) -> Iterator[dict]:
    """Per replica and level: half-way dataset size and step, and accuracy at the largest size.

    Steps are those at the largest size, and this accuracy is over all samples.
    """
    chosen = finite_sizes(measured.merge(checkpoints, on=[*CELL, "step"]))
    largest = chosen.groupby(GRAMMAR)["dataset_size"].transform("max")
    numbered = finite_sizes(measured)
    at_largest = numbered["dataset_size"] == numbered.groupby(GRAMMAR)["dataset_size"].transform(
        "max"
    )
    curves = {
        "dataset_size": select_accuracy(chosen, accuracy, among),
        "step": select_accuracy(numbered[at_largest], accuracy, "all"),
    }
    for variable, curve in curves.items():
        for found in thresholds(curve, variable):
            place = {name: found[name] for name in (*REPLICA, "level")}
            yield {
                **place,
                "quantity": RATIOS[variable],
                "value": found["threshold"],
                "status": found["status"],
            }
    final = select_accuracy(chosen[chosen["dataset_size"] == largest], accuracy, "all")
    for row in final[[*REPLICA, "level", "estimate"]].to_dict("records"):
        value = row.pop("estimate")
        yield {**row, "quantity": "final_accuracy", "value": value, "status": "inside"}


def _compare(name: str, numbers: pd.DataFrame, base: pd.DataFrame) -> Iterator[dict]:
    """Means over replicas with intervals, of the departure and against the run itself."""
    pairs = numbers.merge(base, on=_ONE, suffixes=("", "_base"))
    for (*grammar, level, quantity), part in pairs.groupby([*GRAMMAR, "level", "quantity"]):
        place = {"departure": name, **dict(zip(GRAMMAR, grammar, strict=True)), "level": level}
        ratio = quantity in RATIOS.values()
        value, reference = (part[column].to_numpy(float) for column in ("value", "value_base"))
        status = _status(part["status"])
        yield _row(place, quantity, value, part, status, geometric=ratio)
        if name == BASE:
            continue
        change = "ratio" if ratio else "difference"
        both = value / reference if ratio else value - reference
        against = _side(status, _status(part["status_base"]))
        yield _row(place, f"{quantity}_{change}", both, part, against, geometric=ratio)


def _row(
    place: dict, quantity: str, values: np.ndarray, part: pd.DataFrame, status: str, geometric: bool
) -> dict:
    """Arithmetic or geometric mean and 95 % t interval; none where a replica is out of range."""
    found = np.log(values) if geometric else values
    interval = mean_interval(found) if status == "inside" else (np.nan,) * 3
    estimate, low, high = np.exp(interval) if geometric else interval
    bounds = {"estimate": estimate, "low": low, "high": high}
    return {**place, "quantity": quantity, **bounds, "replicas": len(part), "status": status}


def _status(found: pd.Series) -> str:
    """`inside` if all replicas are; else on which side one of them lies."""
    outside = found[found != "inside"]
    return "inside" if outside.empty else outside.iloc[0]


def _side(status: str, of_base: str) -> str:
    """Where a ratio lies: undecided if both of its parts are out of range on the same side."""
    if status == of_base != "inside":
        return "undecided"
    return status if status != "inside" else _INVERSE[of_base]
