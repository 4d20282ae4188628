"""`python -m pipeline.documents.study PAGE RESULTS`: tables of the studies, filled into their page.

RESULTS is the folder of results with the runs of all studies that the page has a section of.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside, mean_interval
from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.claims.render import markdown
from pipeline.claims.thresholds import clustering_thresholds
from pipeline.claims.verdict import CONTRADICTED, HETEROGENEOUS, SUPPORTED
from pipeline.config.recorded import recorded_config
from pipeline.config.slices import claims_settings
from pipeline.documents.arguments import arguments
from pipeline.documents.law import law_table, ratio_table
from pipeline.documents.lengths import length_table
from pipeline.documents.paste import paste

_Sizes = Mapping[str, pd.DataFrame]
"""Rows of replica, level, threshold and status by the criterion that half-way points are of."""
_LEVEL = [*GRAMMAR, "level"]
_OF_LEVELS = ("study_levels", "study_time")
"""Studies of several settings of grammars."""
_OF_CONDITIONS = {
    "study_level3": "study_levels",
    "study_level3_m2": "study_levels",
    "study_level3_m4": "study_levels",
    "study_v32": None,
    "study_v64": None,
    "study_uniform": "study_levels",
    "study_released": "study_uniform",
    "study_released_m": "study_levels",
    "study_released_v8": None,
    "study_zipf": "study_uniform",
    "study_uneven": None,
    "study_rote": None,
}
"""Studies of one question, and the study that has the same grammars under other conditions."""
_TOGETHER = ("study_levels_together", "study_level3_together", "study_released_together")
"""What `pipeline.documents.together` made of several studies."""
_OF_LAW = ("study_levels", "study_time", *_TOGETHER)
"""What says something of the law of several settings."""
_BY_SIZE = ("text", "image")
"""Domains whose studies vary the dataset size, `study_<domain>`."""
_CRITERIA = ("conditional_accuracy", "node_accuracy", "excess_loss")
"""Quantities whose half-way points the page shows."""
_COMPARED = ("conditional_accuracy", "excess_loss")
"""Those of which conditions are compared."""
_DECIDED = (SUPPORTED, CONTRADICTED, HETEROGENEOUS)
"""Verdicts that are shown of studies of one question."""


def level_table(thresholds: _Sizes) -> str:
    """Half-way dataset sizes of every level as a table in Markdown, by several criteria.

    Beside each size stands its ratio to that of the level below, divided by m: this is 1 by the
    laws m^l and m^(l+1), m by m^(2l-1), and 1/m by m^3. Numbers are geometric means with 95 % t
    intervals over grammars (mean over the replicas of each). Levels are shown if all of their
    thresholds lie inside the range studied.

    Args:
        thresholds: half-way points by name of criterion; of the first also `predicted`.
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


def condition_table(sizes: Mapping[str, _Sizes], against: Mapping[str, str | None]) -> str:
    """Half-way dataset sizes of studies, over those of the same grammars under other conditions.

    Sizes and ratios are geometric means over grammars, ratios of those of the same grammar, with
    95 % t intervals. As in `level_table`, all half-way points of a level lie inside the range, and
    there is a ratio only if those of the other study do, in the same grammars. A prediction is
    NaN, and a dash in the table, where it is for other rules.

    Args:
        sizes: half-way points by name of criterion, by name of the study.
        against: the studies to show, and the study that each is held against, if there is one.
    """
    criteria = list(next(iter(sizes.values())))
    head = "".join(f" P*_l, {name} | ratio |" for name in criteria)
    lines = [f"| study | against | v, m, s, L | level | predicted |{head}\n"]
    lines.append("| --- " * (5 + 2 * len(criteria)) + "|\n")
    for study, base in against.items():
        pairs = [_paired(sizes[study][c], sizes[base][c] if base else None) for c in criteria]
        places = pd.concat([pair[[*_LEVEL, "predicted"]] for pair in pairs]).drop_duplicates()
        for *place, predicted in places.sort_values(_LEVEL).itertuples(index=False, name=None):
            rows = [_of_level(pair, tuple(place)) for pair in pairs]
            cells = [_mean(part, column) for part in rows for column in ("threshold", "ratio")]
            names = f"| `{study}` | {f'`{base}`' if base else '-'} | {_setting(place[:-1])} "
            law = "-" if np.isnan(predicted) else f"{predicted:.0f}"
            lines.append(f"{names}| {place[-1]} | {law} | {' | '.join(cells)} |\n")
    return "".join(lines)


def _paired(thresholds: pd.DataFrame, base: pd.DataFrame | None) -> pd.DataFrame:
    """Levels that lie inside the range studied, with the `ratio` to half-way points of `base`."""
    found = all_inside(thresholds, _LEVEL)
    if base is None:
        return found.assign(ratio=np.nan)
    of_base = all_inside(base, _LEVEL)[[*REPLICA, "level", "threshold"]]
    pairs = found.merge(of_base, "left", [*REPLICA, "level"], suffixes=("", "_base"))
    return pairs.assign(ratio=pairs["threshold"] / pairs["threshold_base"])


def _growth(thresholds: pd.DataFrame) -> pd.DataFrame:
    """Levels that lie inside the range studied, with `growth` over m times the level below."""
    unit = [name for name in REPLICA if name in thresholds]
    found = all_inside(thresholds, _LEVEL)
    below = found.assign(level=found["level"] + 1)[[*unit, "level", "threshold"]]
    found = found.merge(below, "left", [*unit, "level"], suffixes=("", "_below"))
    return found.assign(growth=found["threshold"] / found["threshold_below"] / found["m"])


def _means(frame: pd.DataFrame, place: tuple[int, ...]) -> str:
    """Cells of the table with both numbers of one level of a setting."""
    rows = _of_level(frame, place)
    return f"{_mean(rows, 'threshold')} | {_mean(rows, 'growth')}"


def _of_level(frame: pd.DataFrame, place: tuple[int, ...]) -> pd.DataFrame:
    return frame[(frame[_LEVEL] == list(place)).all(axis=1)]


def _mean(group: pd.DataFrame, column: str) -> str:
    """Geometric mean and its interval, which one grammar has not; a dash where is no number."""
    logs = np.log(group[column]).groupby(group["grammar_seed"]).mean()
    if logs.empty or logs.isna().any():
        return "-"
    mean, low, high = np.exp(mean_interval(logs))
    return f"{mean:.3g}" if np.isnan(low) else f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def _setting(values: list[int]) -> str:
    return ", ".join(map(str, values))


def _half_way(run: Path, criteria: Iterable[str]) -> _Sizes:
    """Half-way dataset sizes by name of the criterion, without predictions for unequal rules."""
    found = _points(run, criteria)
    if recorded_config(run).domains.rhm.grid.rule_frequencies.kind == "equal":
        return found
    return {name: rows.assign(predicted=np.nan) for name, rows in found.items()}


def _points(folder: Path, criteria: Iterable[str]) -> _Sizes:
    """Half-way dataset sizes of a run, or of several together, by name of the criterion."""
    points = _read(folder, "sample_complexity")
    points = points[points["variable"] == "dataset_size"]
    chosen = {name: points[points["quantity"] == name] for name in criteria}
    return {name.replace("_", " "): rows.reset_index(drop=True) for name, rows in chosen.items()}


def _clusters(theory: pd.DataFrame) -> pd.DataFrame:
    """Thresholds of clustering; classes of level l - 1 are what rules of level l are made of."""
    found = clustering_thresholds(theory)
    return found.assign(level=found["level"] + 1)


def _read(run: Path, name: str, domain: str = "rhm") -> pd.DataFrame:
    return tables.read_table(run / "tables" / f"{domain}_{name}.parquet", name)


def _fill(page: Path, results: Path) -> None:
    _fill_law(page, results)
    for run in _OF_LEVELS:
        _fill_levels(page, results / run)
    _fill_conditions(page, results)
    for run in _TOGETHER:
        paste(page, f"{run}_levels", level_table(_points(results / run, _CRITERIA)))
        _fill_claims(page, results / run)
    for domain in _BY_SIZE:
        _fill_sizes(page, results / f"study_{domain}", domain)


def _fill_law(page: Path, results: Path) -> None:
    """What all studies say of the law."""
    points = {run: _read(results / run, "sample_complexity") for run in _OF_LAW}
    exponents = {run: _read(results / run, "exponents") for run in _OF_LAW}
    paste(page, "law", law_table(points, exponents))
    paste(page, "ratios", ratio_table(points))


def _fill_conditions(page: Path, results: Path) -> None:
    """What studies of one question found, all in one table, and the claims that they decide."""
    named = {*_OF_CONDITIONS, *filter(None, _OF_CONDITIONS.values())}
    sizes = {run: _half_way(results / run, _COMPARED) for run in sorted(named)}
    paste(page, "conditions", condition_table(sizes, _OF_CONDITIONS))
    for run in _OF_CONDITIONS:
        claims = _claims(results / run)
        decided = claims[claims["setting"].isna() & claims["verdict"].isin(_DECIDED)]
        paste(page, f"{run}_claims", markdown(decided) if len(decided) else "No claim.\n")


def _fill_levels(page: Path, run: Path) -> None:
    """What a study of grammars found."""
    clusters = _clusters(_read(run, "theory"))
    paste(
        page,
        f"{run.name}_levels",
        level_table({**_half_way(run, _CRITERIA), "clustering": clusters}),
    )
    _fill_claims(page, run)


def _fill_sizes(page: Path, run: Path, domain: str) -> None:
    """What a study of text or images by dataset size found."""
    found = {name: _read(run, name, domain) for name in ("measurements", "losses")}
    rules = claims_settings(recorded_config(run), domain)
    paste(page, f"{run.name}_lengths", length_table(found, rules, domain))
    _fill_claims(page, run)


def _fill_claims(page: Path, run: Path) -> None:
    paste(page, f"{run.name}_claims", markdown(_claims(run)))


def _claims(run: Path) -> pd.DataFrame:
    return tables.read_table(run / "tables/claims.parquet", "claims")


if __name__ == "__main__":
    try:
        _fill(*map(Path, arguments("PAGE", "RESULTS")))
    except PipelineError as error:
        sys.exit(f"error: {error}")
