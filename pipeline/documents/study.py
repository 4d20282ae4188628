"""`python -m pipeline.documents.study PAGE RESULTS`: the tables of the study, filled into its page.

RESULTS is the folder of results with the runs `study`, `study_conditional`, `study_width_*`,
`study_text` and `study_image`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside, mean_interval
from pipeline.analysis.groups import grouped
from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.claims.decide import claims_table
from pipeline.claims.render import markdown
from pipeline.claims.settings import Rules
from pipeline.claims.thresholds import clustering_thresholds
from pipeline.config.load import load_config
from pipeline.config.slices import claims_settings
from pipeline.documents.lengths import length_table
from pipeline.documents.paste import paste
from pipeline.stages.domains import DOMAINS

_WIDTHS = """| run | v, m, s, L | level | its P*_l, over that of the study | replicas |
| --- | --- | --- | --- | --- |
"""
_LEVEL = [*GRAMMAR, "level"]
_ROOT = Path(__file__).parents[2]
_RUNS = ("study", "study_conditional")
_BY_SIZE = ("text", "image")
"""Domains whose studies vary the dataset size, `study_<domain>`."""
_ACCURACIES = ("conditional_accuracy", "node_accuracy")
"""Accuracies whose half-way points the page shows, and decides claims by."""
_ANEW = ("laws", "sample_complexity")
"""Tables that depend on the accuracy."""


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


def width_table(reference: pd.DataFrame, others: dict[str, pd.DataFrame]) -> str:
    """Ratios of half-way dataset sizes as a table in Markdown.

    Every replica is compared with the one that shares its grammar, strings and seeds. Means,
    intervals and levels are those of `level_table`, for these pairs.

    Args:
        reference: thresholds of the run that the others are held against.
        others: thresholds of the others by name of run.
    """
    rows = [row for run, other in others.items() for row in _rows(run, reference, other)]
    return "".join([_WIDTHS, *rows])


def _rows(run: str, reference: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    pairs = reference.merge(other, on=[*REPLICA, "level"])
    pairs["ratio"] = pairs["threshold_y"] / pairs["threshold_x"]
    pairs["status"] = pairs["status_y"].where(pairs["status_x"] == "inside", pairs["status_x"])
    inside = all_inside(pairs, _LEVEL)
    return [
        f"| {run} | {_setting(setting)} | {level} | {_mean(group, 'ratio')} | {len(group)} |\n"
        for (*setting, level), group in grouped(inside, _LEVEL)
    ]


def _mean(group: pd.DataFrame, column: str) -> str:
    """Geometric mean and its interval; a dash where there is no number."""
    logs = np.log(group[column]).groupby(group["grammar_seed"]).mean()
    if logs.empty or logs.isna().any():
        return "-"
    mean, low, high = np.exp(mean_interval(logs))
    return f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def _setting(values: list[int]) -> str:
    return ", ".join(map(str, values))


def _half_way(runs: Sequence[Path], quantity: str) -> pd.DataFrame:
    """Half-way points by one criterion, of the first of the runs that has any.

    Raises:
        PipelineError: none has any.
    """
    for run in runs:
        points = _read(run, "sample_complexity")
        chosen = points[points["quantity"] == quantity]
        if not chosen.empty:
            return chosen.reset_index(drop=True)
    names = ", ".join(str(run) for run in runs)
    raise PipelineError(f"study: none of {names} has half-way points of {quantity}; run one anew")


def _by_size(points: pd.DataFrame) -> pd.DataFrame:
    return points[points["variable"] == "dataset_size"]


def _clusters(theory: pd.DataFrame) -> pd.DataFrame:
    """Thresholds of clustering; classes of level l - 1 are what rules of level l are made of."""
    found = clustering_thresholds(theory)
    return found.assign(level=found["level"] + 1)


def _read(run: Path, name: str) -> pd.DataFrame:
    return tables.read_table(run / "tables" / f"rhm_{name}.parquet", name)


def _decided(run: Path, points: pd.DataFrame, accuracy: str) -> str:
    """Claims of a run, decided anew from its tables by the rules of the preset, in Markdown."""
    rules = Rules.of(_rules("study", "rhm"), accuracy=accuracy)
    names = DOMAINS["rhm"].claim_tables
    there = [name for name in names if (run / f"tables/rhm_{name}.parquet").exists()]
    frames = {name: _read(run, name) for name in there if name not in _ANEW}
    frames["sample_complexity"] = points
    return markdown(claims_table("rhm", frames, rules))


def _rules(preset: str, domain: str) -> Rules:
    """Rules that a preset decides claims by."""
    config = load_config(_ROOT / "config.yaml", _ROOT / "workflow/presets", {"preset": preset})
    return claims_settings(config, domain)


def _fill(page: Path, results: Path) -> None:
    study, theory = results / "study", _read(results / "study", "theory")
    points = {name: _half_way([results / run for run in _RUNS], name) for name in _ACCURACIES}
    sizes = {name.replace("_", " "): _by_size(found) for name, found in points.items()}
    runs = sorted(results.glob("study_width_*"), key=lambda run: int(run.name.split("_")[-1]))
    widths = {run.name: _by_size(_half_way([run], "node_accuracy")) for run in runs}
    paste(page, "levels", level_table({**sizes, "clustering": _clusters(theory)}))
    paste(page, "widths", width_table(sizes["node accuracy"], widths))
    for name, found in points.items():
        paste(page, name, _decided(study, found, name))
    for domain in _BY_SIZE:
        _fill_sizes(page, results / f"study_{domain}", domain)


def _fill_sizes(page: Path, run: Path, domain: str) -> None:
    """What a study of text or images by dataset size found."""
    claims = tables.read_table(run / "tables/claims.parquet", "claims")
    names = ("measurements", "losses")
    found = {n: tables.read_table(run / f"tables/{domain}_{n}.parquet", n) for n in names}
    paste(page, f"{domain}_claims", markdown(claims))
    paste(page, f"{domain}_lengths", length_table(found, _rules(run.name, domain), domain))


if __name__ == "__main__":
    try:
        _fill(*map(Path, sys.argv[1:]))
    except PipelineError as error:
        sys.exit(f"error: {error}")
