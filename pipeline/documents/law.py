"""What dataset sizes at which levels are learnt say of the law, of all studies, in Markdown."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import alexandergovern

from pipeline.analysis.bootstrap import jackknife_interval
from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside
from pipeline.analysis.exponents import slopes_of

_CRITERIA = ("conditional_accuracy", "excess_loss")
"""Quantities whose half-way points are shown: of what is generated, and of the loss."""
_LAWS = {"_adjusted": "v m^(l+1) / (1 - m/v^(s-1))", "": "v m^(l+1)"}
"""The law with its factor and without, by how slopes are called in which it is divided out."""
_RIVALS = {"m^(l+1)": 1, "m^(2l-1)": 2, "m^3": 0}
"""Powers of m by which P*_(l+1) / P*_l grows, whatever the constant of either level."""


def law_table(points: Mapping[str, pd.DataFrame], exponents: Mapping[str, pd.DataFrame]) -> str:
    """Whether P*_l is a constant times the law, with its factor and without: a row for each.

    "Constant" has the least and the largest mean over grammars of a setting, geometric ones, and p
    the probability that settings would differ by more, if they had all the same (test of Alexander
    and Govern, in which each setting has its own spread over grammars). Powers are those of P*_l,
    with the factor divided out in the row of the law that has it. A dash stands where settings do
    not determine a number.

    Args:
        points: half-way points, rows of `sample_complexity`, by name of the study.
        exponents: rows of that table, by name of the study.
    """
    heads = ["study", "level", "P*_l by", "law", "constant, by setting", "p", "power of m"]
    heads += ["of the law", "power of v (law: 1)", "settings, grammars"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for study, level, criterion, part in _by_level(points):
        named = [f"`{study}`", f"{level}", criterion.replace("_", " ")]
        slopes = exponents[study]
        of_level = (slopes["level"] == level) & (slopes["criterion"] == criterion)
        for suffix, law in _LAWS.items():
            size = part["predicted"] if suffix else part["v"] * part["m"] ** (level + 1.0)
            cells = [law, *_constants(part.assign(over=part["threshold"] / size))]
            cells += [_slope(slopes[of_level], f"m_exponent{suffix}"), f"{level + 1}"]
            cells += [_slope(slopes[of_level], f"v_exponent{suffix}"), _counts(part)]
            lines.append(_row([*named, *cells]))
    return "".join(lines)


def ratio_table(points: Mapping[str, pd.DataFrame]) -> str:
    """How P*_(l+1) / P*_l grows with m and v, in which the factor cancels.

    Intervals are those of the jackknife over grammars.

    Args:
        points: half-way points, rows of `sample_complexity`, by name of the study.
    """
    heads = ["study", "ratio", "P*_l by", "power of m", *_RIVALS, "power of v (all: 0)"]
    lines = [_row([*heads, "settings, grammars"]), _row(["---"] * (len(heads) + 1))]
    for study, level, criterion, part in _by_level(points):
        ratios = _ratios(part, points[study], level, criterion)
        powers = _powers(ratios)
        if "m" in powers:
            named = [f"`{study}`", f"P*_{level} / P*_{level - 1}", criterion.replace("_", " ")]
            laws = map(str, _RIVALS.values())
            cells = [powers["m"], *laws, powers.get("v", "-"), _counts(ratios)]
            lines.append(_row([*named, *cells]))
    return "".join(lines)


def _by_level(
    points: Mapping[str, pd.DataFrame],
) -> Iterator[tuple[str, int, str, pd.DataFrame]]:
    """Study, level from 2 up, criterion and points, where two settings have all inside."""
    for study, found in points.items():
        sizes = found[(found["variable"] == "dataset_size") & (found["level"] >= 2)]
        inside = all_inside(sizes, [*GRAMMAR, "level", "quantity"])
        for level in sorted(inside["level"].unique()):
            for criterion in _CRITERIA:
                part = inside[(inside["level"] == level) & (inside["quantity"] == criterion)]
                if part.groupby(GRAMMAR).ngroups > 1:
                    yield study, int(level), criterion, part


def _constants(part: pd.DataFrame) -> tuple[str, str]:
    """Least and largest mean of `over`, of settings, and p that it is the same in all."""
    logs = part.assign(log=np.log(part["over"]))
    grammars = logs.groupby([*GRAMMAR, "grammar_seed"])["log"].mean()
    settings = [group.to_numpy() for _, group in grammars.groupby(GRAMMAR)]
    means = np.exp([setting.mean() for setting in settings])
    p = alexandergovern(*settings).pvalue if min(map(len, settings)) > 1 else np.nan
    return f"{means.min():.2f} to {means.max():.2f}", "-" if np.isnan(p) else f"{p:.1g}"


def _ratios(part: pd.DataFrame, found: pd.DataFrame, level: int, criterion: str) -> pd.DataFrame:
    """Half-way points with `ratio` to those of the level below, of settings with both in range."""
    below = found[(found["quantity"] == criterion) & (found["level"] == level - 1)]
    below = all_inside(below[below["variable"] == "dataset_size"], GRAMMAR)
    both = part.merge(below[[*REPLICA, "threshold"]], on=REPLICA, suffixes=("", "_below"))
    return both.assign(ratio=both["threshold"] / both["threshold_below"])


def _powers(ratios: pd.DataFrame) -> dict[str, str]:
    """Powers of m and v by which ratios grow, of those that vary and are determined."""
    varied = [name for name in ("m", "v") if ratios[name].nunique() > 1]
    regressors = np.log(ratios[varied].to_numpy(float))
    statistic = slopes_of(ratios, regressors, np.log(ratios["ratio"].to_numpy(float)), ["s", "L"])
    if not varied or np.isnan(statistic(np.ones((1, len(ratios))))).any():
        return {}
    found = np.column_stack(jackknife_interval(ratios, statistic))
    return {name: _interval(*slope) for name, slope in zip(varied, found, strict=True)}


def _slope(slopes: pd.DataFrame, name: str) -> str:
    """A slope with its 95 % interval, or a dash where there is none."""
    found = slopes.loc[slopes["quantity"] == name, ["estimate", "low", "high"]].to_numpy(float)
    return _interval(*found[0]) if len(found) else "-"


def _interval(estimate: float, low: float, high: float) -> str:
    stated = f"{estimate:z.2f}"
    return stated if np.isnan(low) else f"{stated} [{low:z.2f}, {high:z.2f}]"


def _counts(part: pd.DataFrame) -> str:
    """How many settings and grammars are behind a row."""
    grammars = part.groupby([*GRAMMAR, "grammar_seed"]).ngroups
    return f"{part.groupby(GRAMMAR).ngroups}, {grammars}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
