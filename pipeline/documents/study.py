"""`python -m pipeline.documents.study PAGE RESULTS`: tables of the studies, filled into their page.

RESULTS is the folder of results with the runs `study_levels`, `study_time`, `study_text` and
`study_image`.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside, mean_interval
from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.claims.render import markdown
from pipeline.claims.thresholds import clustering_thresholds
from pipeline.config.recorded import recorded_config
from pipeline.config.slices import claims_settings
from pipeline.documents.lengths import length_table
from pipeline.documents.paste import paste

_LEVEL = [*GRAMMAR, "level"]
_OF_GRAMMARS = ("study_levels", "study_time")
"""Studies of grammars."""
_BY_SIZE = ("text", "image")
"""Domains whose studies vary the dataset size, `study_<domain>`."""
_ACCURACIES = ("conditional_accuracy", "node_accuracy")
"""Accuracies whose half-way points the page shows."""


def level_table(thresholds: dict[str, pd.DataFrame]) -> str:
    """Half-way dataset sizes of every level as a table in Markdown, by several criteria.

    Beside each size stands its ratio to that of the level below, divided by m: this is 1 by the
    laws m^l and m^(l+1), m by m^(2l-1), and 1/m by m^3. Numbers are geometric means with 95 % t
    intervals over grammars (mean over the replicas of each). Levels are shown if all of their
    thresholds lie inside the range studied.

    Args:
        thresholds: rows of replica, level, threshold and status by name of criterion; the first
            also with `predicted`.
    """
    predicted = next(iter(thresholds.values())).groupby(_LEVEL)["predicted"].first()
    found = [_growth(frame) for frame in thresholds.values()]
    names = "".join(f" P*_l, {name} | over m P*_(l-1) |" for name in thresholds)
    rows = [
        f"| {_setting(setting)} | {level} | {predicted[*setting, level]:.0f} "
        f"| {' | '.join(_means(frame, (*setting, level)) for frame in found)} |\n"
        for (*setting, level) in predicted.index
    ]
    head = f"| v, m, s, L | level | predicted |{names}\n"
    return "".join([head, "| --- " * (3 + 2 * len(thresholds)), "|\n", *rows])


def _growth(thresholds: pd.DataFrame) -> pd.DataFrame:
    """Levels that lie inside the range studied, with `growth` over m times the level below."""
    unit = [name for name in REPLICA if name in thresholds]
    found = all_inside(thresholds, _LEVEL)
    below = found.assign(level=found["level"] + 1)[[*unit, "level", "threshold"]]
    found = found.merge(below, "left", [*unit, "level"], suffixes=("", "_below"))
    return found.assign(growth=found["threshold"] / found["threshold_below"] / found["m"])


def _means(frame: pd.DataFrame, place: tuple[int, ...]) -> str:
    """Cells of the table with both numbers of one level of a setting."""
    rows = frame[(frame[_LEVEL] == list(place)).all(axis=1)]
    return f"{_mean(rows, 'threshold')} | {_mean(rows, 'growth')}"


def _mean(group: pd.DataFrame, column: str) -> str:
    """Geometric mean and its interval, which one grammar has not; a dash where is no number."""
    logs = np.log(group[column]).groupby(group["grammar_seed"]).mean()
    if logs.empty or logs.isna().any():
        return "-"
    mean, low, high = np.exp(mean_interval(logs))
    return f"{mean:.3g}" if np.isnan(low) else f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def _setting(values: list[int]) -> str:
    return ", ".join(map(str, values))


def _half_way(run: Path, quantity: str) -> pd.DataFrame:
    """Half-way dataset sizes by one criterion."""
    points = _read(run, "sample_complexity")
    chosen = (points["quantity"] == quantity) & (points["variable"] == "dataset_size")
    return points[chosen].reset_index(drop=True)


def _clusters(theory: pd.DataFrame) -> pd.DataFrame:
    """Thresholds of clustering; classes of level l - 1 are what rules of level l are made of."""
    found = clustering_thresholds(theory)
    return found.assign(level=found["level"] + 1)


def _read(run: Path, name: str, domain: str = "rhm") -> pd.DataFrame:
    return tables.read_table(run / "tables" / f"{domain}_{name}.parquet", name)


def _fill(page: Path, results: Path) -> None:
    for run in _OF_GRAMMARS:
        _fill_levels(page, results / run)
    for domain in _BY_SIZE:
        _fill_sizes(page, results / f"study_{domain}", domain)


def _fill_levels(page: Path, run: Path) -> None:
    """What a study of grammars found."""
    sizes = {name.replace("_", " "): _half_way(run, name) for name in _ACCURACIES}
    clusters = _clusters(_read(run, "theory"))
    paste(page, f"{run.name}_levels", level_table({**sizes, "clustering": clusters}))
    _fill_claims(page, run)


def _fill_sizes(page: Path, run: Path, domain: str) -> None:
    """What a study of text or images by dataset size found."""
    found = {name: _read(run, name, domain) for name in ("measurements", "losses")}
    rules = claims_settings(recorded_config(run), domain)
    paste(page, f"{run.name}_lengths", length_table(found, rules, domain))
    _fill_claims(page, run)


def _fill_claims(page: Path, run: Path) -> None:
    claims = tables.read_table(run / "tables/claims.parquet", "claims")
    paste(page, f"{run.name}_claims", markdown(claims))


if __name__ == "__main__":
    try:
        _fill(*map(Path, sys.argv[1:]))
    except PipelineError as error:
        sys.exit(f"error: {error}")
