"""Stage `memorize`: when each level is learnt and when copying starts, at every dataset size."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.curves import (
    CELL,
    FEWEST_POINTS,
    GRAMMAR,
    REPLICA,
    all_inside,
    chance_accuracy,
    finite_sizes,
)
from pipeline.analysis.exponents import fit_slopes
from pipeline.analysis.groups import grouped
from pipeline.analysis.half_way import crossing, half_way
from pipeline.analysis.settings import MemorizationRules
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.randomness import stream_key
from pipeline.base.spec import Spec
from pipeline.base.types import Values

_TIMES = [
    *CELL,
    "level",
    "variable",
    "quantity",
    "threshold",
    "status",
    "top",
    "chance",
    "ceiling",
]

_EXPONENTS = [
    *GRAMMAR,
    "quantity",
    "variable",
    "estimate",
    "low",
    "high",
    "prediction",
    "dataset_sizes",
    "grammars",
    "replicas",
]


def memorize(
    spec: Spec[MemorizationRules], measurements: Path, times: Path, exponents: Path
) -> None:
    """Fit the times of every trajectory, and how that of copying grows with the dataset size."""
    settings = spec.settings
    measured = tables.read_table(measurements, "measurements", ["node_accuracy", "copied_excess"])
    found = learning_times(measured, settings.converged)
    tables.write_table(times, found, make_stamp("memorization", spec, {}))
    slopes = copying_exponents(found, settings.bootstrap_samples, stream_key("memorization"))
    stamp = make_stamp("memorization_exponents", spec, {})
    tables.write_table(exponents, slopes, stamp)


def learning_times(measurements: pd.DataFrame, converged: float) -> pd.DataFrame:
    """Steps when node accuracy is half-way up, by `half_way`, and when half the strings are copies.

    Copies are counted beyond those drawn by chance. It is known where their curve ends: all strings
    are copies. So the step at half of that is read off, even if the run ends before all are.

    Node accuracy is that of all samples, which copies raise too. Novel strings alone would not do:
    none are left once all are copies, and the last ones are the faulty ones, so their accuracy
    falls again. So a level's time is that of learning where it is well before that of copying, and
    where the two coincide the level was learnt by heart.

    Returns:
        One row per replica, finite dataset size and level, and one of copying, without a level.
    """
    frame = measurements[measurements["dataset_size"] != "online"]
    chosen = frame["quantity"].isin(["node_accuracy", "copied_excess"]) & (frame["among"] == "all")
    frame = frame[chosen & frame["estimate"].notna()]
    return pd.DataFrame(_times(frame, converged), columns=_TIMES)


def copying_exponents(times: pd.DataFrame, samples: int, key: int) -> pd.DataFrame:
    """Slope of log copying time against log dataset size, for every setting; law 1.

    Each replica has an intercept. Only those dataset sizes count at which every replica starts to
    copy within the run: dropping late replicas alone would make the slope too small.

    Args:
        times: of `learning_times`.
        samples: resamples of the bootstrap over grammars, data and networks.
        key: stream key.
    """
    rows = []
    for setting, part in grouped(times[times["quantity"] == "copied_excess"], GRAMMAR):
        frame = finite_sizes(all_inside(part, ["dataset_size"]))
        sizes = np.log(frame[["dataset_size"]].to_numpy(float))
        fit = fit_slopes(frame, sizes, np.log(frame["threshold"]), REPLICA, samples, key)
        if fit is None:
            continue
        behind = {
            "dataset_sizes": frame["dataset_size"].nunique(),
            "grammars": frame["grammar_seed"].nunique(),
            "replicas": frame.groupby(REPLICA).ngroups,
        }
        interval = {name: float(value[0]) for name, value in fit._asdict().items()}
        labels = {"quantity": "memorization_exponent", "variable": "dataset_size"}
        place = dict(zip(GRAMMAR, setting, strict=True))
        rows.append({**place, **labels, **interval, "prediction": 1.0, **behind})
    return pd.DataFrame(rows, columns=_EXPONENTS)


def _times(frame: pd.DataFrame, converged: float) -> Iterator[Values]:
    for key, unsorted in grouped(frame, [*CELL, "quantity", "level"], dropna=False):
        if len(unsorted) < FEWEST_POINTS:
            continue
        *cell, quantity, level = key
        curve, place = unsorted.sort_values("step"), dict(zip(CELL, cell, strict=True))
        steps, values = curve["step"].to_numpy(float), curve["estimate"].to_numpy(float)
        if quantity == "node_accuracy":
            v, m, s, L = (place[name] for name in GRAMMAR)
            chance = chance_accuracy(quantity, v, m, s, L, int(level))
            ceiling = float(curve["ceiling"].iloc[0])
            if not chance < ceiling:
                continue  # all tuples are valid, or it is not known what can be reached
            found = half_way(steps, values, chance, ceiling, converged)
        else:
            chance, ceiling = 0.0, 1.0
            uncopied = crossing(steps, 1 - values, 0.5)
            found = uncopied._replace(top=1 - uncopied.top)
        row = {"level": level, "variable": "step", "quantity": quantity, **found._asdict()}
        yield {**place, **row, "chance": chance, "ceiling": ceiling}
