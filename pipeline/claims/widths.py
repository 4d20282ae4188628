"""`python -m pipeline.claims.widths PAGE TABLE OTHER...`: thresholds of runs of other widths.

The tables are `results/<run>/tables/rhm_sample_complexity.parquet`; runs are named by their folder.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import tables
from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside, mean_interval
from pipeline.claims.paste import paste
from pipeline.errors import PipelineError

_HEAD = "| run | v, m, s, L | level | its P*_l, over that of the study [95 %] | replicas |\n"


def width_table(reference: pd.DataFrame, others: dict[str, pd.DataFrame]) -> str:
    """Ratios of half-way dataset sizes as a table in Markdown.

    Every replica is compared with the one that shares its grammar, strings and seeds. Ratios are
    geometric means with 95 % t intervals over grammars (mean over the replicas of each);
    levels count where both thresholds of all pairs lie inside the range studied.

    Args:
        reference: thresholds of the run that the others are held against.
        others: thresholds of the others by name of run.
    """
    rows = [row for run, other in others.items() for row in _rows(run, reference, other)]
    return "".join([_HEAD, "| --- | --- | --- | --- | --- |\n", *rows])


def _rows(run: str, reference: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    pairs = _by_size(reference).merge(_by_size(other), on=[*REPLICA, "level"])
    pairs["ratio"] = np.log(pairs["threshold_y"] / pairs["threshold_x"])
    pairs["status"] = pairs["status_y"].where(pairs["status_x"] == "inside", pairs["status_x"])
    return [
        f"| {run} | {', '.join(map(str, setting))} | {level} | {_ratio(group)} | {len(group)} |\n"
        for (*setting, level), group in all_inside(pairs, [*GRAMMAR, "level"]).groupby(
            [*GRAMMAR, "level"]
        )
    ]


def _ratio(group: pd.DataFrame) -> str:
    mean, low, high = np.exp(mean_interval(group.groupby("grammar_seed")["ratio"].mean()))
    return f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def _by_size(thresholds: pd.DataFrame) -> pd.DataFrame:
    wanted = thresholds["variable"] == "dataset_size"
    return thresholds.loc[wanted, [*REPLICA, "level", "status", "threshold"]]


def _read(path: Path) -> pd.DataFrame:
    return tables.read_table(path, "sample_complexity")


if __name__ == "__main__":
    page, own, *rest = map(Path, sys.argv[1:])
    try:
        others = {path.parents[1].name: _read(path) for path in rest}
        paste(page, "widths", width_table(_read(own), others))
    except PipelineError as error:
        sys.exit(f"error: {error}")
