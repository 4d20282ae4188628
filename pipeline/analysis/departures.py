"""Stage `depart`: what departures from a run's settings change, replica by replica.

Replicas of a departure have the grammars and training sets of the run, so they are compared in
pairs: intervals are those of a mean of differences, or of logarithms of ratios, over grammars.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from pipeline.analysis.curves import (
    CELL,
    GRAMMAR,
    REPLICA,
    best_checkpoints,
    finite_sizes,
    mean_interval,
)
from pipeline.analysis.groups import grouped
from pipeline.analysis.sample_complexity import accuracy_curves, thresholds
from pipeline.analysis.settings import DepartureRules
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.spec import Spec
from pipeline.base.types import Values

BASE = "the run itself"
HALF_WAY = {"dataset_size": "half_way_dataset_size", "step": "half_way_step"}
"""Quantities that are compared by their ratio, by the variable whose value they are."""
_ONE = [*REPLICA, "level", "quantity"]
_INVERSE = {"above": "below", "below": "above"}


def depart(
    spec: Spec[DepartureRules], measurements: Sequence[Path], losses: Sequence[Path], output: Path
) -> None:
    """Read half-way points and final accuracies off every run, and compare departures with the run.

    Args:
        spec: spec of the stage, with the names of the departures and of the last checkpoint.
        measurements: tables of the run, and of its departures in the order of their names.
        losses: likewise.
        output: Parquet file of one row per departure, grammar parameters, level and quantity.
    """
    settings, largest = spec.settings, dict[Hashable, int]()
    numbers: dict[str, pd.DataFrame] = {}
    rules = settings.among, settings.converged
    for name, *paths in zip([BASE, *settings.names], measurements, losses, strict=True):
        measured = tables.read_table(paths[0], "measurements", [settings.accuracy])
        measured = accuracy_curves(finite_sizes(measured))
        taken = finite_sizes(tables.read_table(paths[1], "losses"))
        largest = largest or measured.groupby(GRAMMAR)["dataset_size"].max().to_dict()
        numbers[name] = _numbers(measured, best_checkpoints(taken), largest, *rules)
        if name == BASE:
            last = measured.groupby(CELL, as_index=False)[["step"]].max()
            found = _numbers(measured, last, largest, *rules)
            of_steps = found["quantity"] == HALF_WAY["step"]  # they are the same as the run's own
            numbers[settings.last_checkpoint] = found[~of_steps]
    rows = [row for name in numbers for row in _compare(name, numbers[name], numbers[BASE])]
    stamp = make_stamp("departures", spec, {})
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _numbers(
    measured: pd.DataFrame,
    checkpoints: pd.DataFrame,
    largest: Mapping[Hashable, int],
    among: str,
    converged: float,
) -> pd.DataFrame:
    """Per replica and level: half-way dataset size and step, and accuracy at the largest size.

    Steps are those at the largest size, and this accuracy is over all samples.

    Args:
        measured: rows of one accuracy, with chance.
        checkpoints: of every cell, the step that counts.
        largest: largest dataset size that the run itself has, by grammar parameters.
        among: samples over which half-way sizes are taken.
        converged: see `half_way`.
    """
    wanted = pd.MultiIndex.from_frame(measured[GRAMMAR]).map(largest)
    at_largest = measured[measured["dataset_size"] == wanted]
    chosen = [frame.merge(checkpoints, on=[*CELL, "step"]) for frame in (measured, at_largest)]
    curves = {
        "dataset_size": chosen[0][chosen[0]["among"] == among],
        "step": at_largest[at_largest["among"] == "all"],
    }
    half_way = [
        pd.DataFrame(
            thresholds(curve, variable, converged),
            columns=[*REPLICA, "level", "threshold", "status"],
        )
        .rename(columns={"threshold": "value"})
        .assign(quantity=HALF_WAY[variable])
        for variable, curve in curves.items()
    ]
    final = chosen[1][chosen[1]["among"] == "all"].rename(columns={"estimate": "value"})
    final = final[[*REPLICA, "level", "value"]].assign(quantity="final_accuracy", status="inside")
    return pd.concat([*half_way, final], ignore_index=True).astype({"value": float})


def _compare(name: str, numbers: pd.DataFrame, base: pd.DataFrame) -> Iterator[Values]:
    """Means over grammars with intervals, of the departure and against the run itself."""
    pairs = numbers.merge(base, on=_ONE, suffixes=("", "_base"))
    for (*grammar, level, quantity), part in grouped(pairs, [*GRAMMAR, "level", "quantity"]):
        place = {"departure": name, **dict(zip(GRAMMAR, grammar, strict=True)), "level": level}
        ratio = quantity in HALF_WAY.values()
        values = part[["value", "value_base"]]
        values = cast("pd.DataFrame", np.log(values)) if ratio else values
        own, against = values["value"], values["value"] - values["value_base"]
        status, of_base = _status(part["status"]), _status(part["status_base"])
        yield _row({**place, "quantity": quantity}, own, part, status, ratio)
        if name != BASE:
            change = f"{quantity}_{'ratio' if ratio else 'difference'}"
            side = _side(status, of_base)
            yield _row({**place, "quantity": change}, against, part, side, ratio)


def _row(
    place: Values, values: pd.Series, part: pd.DataFrame, status: str, logarithms: bool
) -> Values:
    """Mean over grammars with its 95 % t interval; replicas of a grammar are averaged first.

    All three numbers are NaN where a replica is out of range.
    """
    means = values.groupby(part["grammar_seed"]).mean().to_numpy()
    interval = mean_interval(means) if status == "inside" else (np.nan,) * 3
    estimate, low, high = np.exp(interval) if logarithms else interval
    count = {"grammars": len(means), "status": status}
    return {**place, "estimate": estimate, "low": low, "high": high, **count}


def _status(found: pd.Series) -> str:
    """`inside` if all replicas are; else the status of the others, undecided if these differ."""
    others = found[found != "inside"].unique()
    return "inside" if others.size == 0 else others[0] if others.size == 1 else "undecided"


def _side(status: str, of_base: str) -> str:
    """Where a ratio lies: undecided if both of its parts are out of range on the same side.

    It is not converged if one of its parts is: nothing more is known of it then.
    """
    if "not converged" in (status, of_base):
        return "not converged"
    if status == of_base != "inside":
        return "undecided"
    return status if status != "inside" else _INVERSE.get(of_base, of_base)
