"""Dataset size at which each level is half learnt, against the prediction, over all grammars."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.analysis.curves import GRAMMAR, all_inside, mean_interval
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfAnalysis

_ARROW = {"arrowstyle": "-|>", "linewidth": 0.8, "shrinkA": 2, "shrinkB": 0}
_REACH = 1.6
"""How far an arrow points beyond the range studied, as a factor."""


def draw(
    settings: OfAnalysis,
    sample_complexity: pd.DataFrame,
    exponents: pd.DataFrame,
    laws: pd.DataFrame,
) -> Figure:
    """P*_l against v m**(l+1) / (1 - m / v**(s-1)), and errors of the competing laws."""
    criterion = settings.analysis.accuracy
    frame, exponents, laws = (
        table[table[name] == criterion]
        for table, name in (
            (sample_complexity[sample_complexity["variable"] == "dataset_size"], "quantity"),
            (exponents, "criterion"),
            (laws, "criterion"),
        )
    )
    figure, (panel, errors) = style.panels(settings, 2, width_ratios=(3, 2))
    _sizes(panel, settings, frame, exponents)
    _law_errors(errors, settings, laws)
    shown = (
        "geometric mean and 95% t interval over grammars; open: not all have a half-way point; "
        "with an arrow: beyond the range studied; without: not all converged, mean of the others"
    )
    style.note(figure, *_numbers(exponents), shown, _counts(frame))
    return figure


def _sizes(panel: Axes, settings: OfAnalysis, frame: pd.DataFrame, exponents: pd.DataFrame) -> None:
    """Marker by level and shade by setting; fitted slopes solid, the law dashed."""
    groups = list(grouped(frame, GRAMMAR))
    colours = style.shades(settings, len(groups))
    levels = sorted(frame["level"].unique())
    for (_, grammar), colour in zip(groups, colours, strict=True):
        for level, part in grouped(grammar, "level"):
            _point(panel, part, style.MARKERS[levels.index(level)], colour)
    panel.set_xlabel(r"$v\,m^{\ell+1} / (1 - m / v^{s-1})$ (strings)")
    panel.set_ylabel(r"half-way dataset size $P^*_\ell$ (strings)")
    if frame.empty:
        return
    ends = np.array([frame["predicted"].min() / 2, frame["predicted"].max() * 2])
    panel.plot(ends, ends, **style.THEORY)
    _fits(panel, frame, exponents)
    _legend(panel, groups, colours, levels)
    for which in "xy":
        log_axes.log_axis(panel, which)


def _point(panel: Axes, part: pd.DataFrame, marker: str, colour: style.Colour) -> None:
    """Mean over grammars; open where not all have a half-way point, with an arrow if out of range.

    A level that some grammar has not learnt to the end is at the mean of those that have, without
    an arrow, or nowhere if there are none.
    """
    x, status = part["predicted"].iloc[0], set(part["status"])
    look: style.Looks = {"color": colour, "markersize": 4, "capsize": 1.5, "linewidth": 0.8}
    for side, end, factor in (
        ("below", part["least"].min(), 1 / _REACH), ("above", part["most"].max(), _REACH),
    ):  # fmt: skip
        if side in status and status <= {"inside", side}:
            panel.errorbar(x, end, fmt=marker, markerfacecolor="none", **look)
            panel.annotate("", (x, end * factor), (x, end), arrowprops=_ARROW | {"color": colour})
            panel.update_datalim([(x, end * factor)])  # limits would leave arrows out
            return
    found = part[part["status"] == "inside"]
    if found.empty:
        return
    logs = np.log(found["threshold"]).groupby(found["grammar_seed"]).mean()
    mean, low, high = np.exp(mean_interval(logs))
    if status != {"inside"}:
        look |= {"markerfacecolor": "none"}
    panel.errorbar(x, mean, [[mean - low], [high - mean]], fmt=marker, **look)


def _fits(panel: Axes, frame: pd.DataFrame, exponents: pd.DataFrame) -> None:
    """The fitted slope through the points of each level."""
    slopes = exponents[(exponents["quantity"] == "law_exponent") & exponents["level"].isna()]
    if slopes.empty:
        return
    slope, inside = slopes["estimate"].iloc[0], all_inside(frame, [*GRAMMAR, "level"])
    for _, part in inside[inside["level"] >= 2].groupby(["s", "L", "level"]):
        logs = np.log(part[["predicted", "threshold"]].astype(float))
        ends = np.log([part["predicted"].min() / 1.3, part["predicted"].max() * 1.3])
        middle = logs.mean()
        line = middle["threshold"] + slope * (ends - middle["predicted"])
        panel.plot(np.exp(ends), np.exp(line), color="0.35", linewidth=0.7)


def _legend(
    panel: Axes,
    groups: Sequence[tuple[Sequence[int], pd.DataFrame]],
    colours: Sequence[style.Colour],
    levels: Sequence[float],
) -> None:
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=style.setting_name(setting))
        for (setting, _), colour in zip(groups, colours, strict=True)
    ]
    look: style.Looks = {"linestyle": "none", "color": "0.35", "markersize": 4}
    handles += [
        Line2D([], [], marker=style.MARKERS[index], label=f"level {level:.0f}", **look)
        for index, level in enumerate(levels)
    ]
    handles += [Line2D([], [], label="law", **style.THEORY)]
    handles += [Line2D([], [], color="0.35", linewidth=0.7, label="fitted")]
    panel.legend(
        handles=handles, title=style.SETTING_TITLE, loc="center left", bbox_to_anchor=(1, 0.5)
    )


def _law_errors(panel: Axes, settings: OfAnalysis, laws: pd.DataFrame) -> None:
    """Error of every law in settings it was not fitted to, with and without the factor."""
    panel.set(xlabel="error of held-out settings (decades)")
    if laws.empty:
        panel.set(title="no setting to hold out", yticks=[])
        return
    powers = [law[2:].strip("()").replace("l", r"\ell") for law in laws["law"].unique()]
    colours = style.shades(settings, 2)
    looks = (("with the factor", "o", -0.15, True), ("without it", "s", 0.15, False))
    for (label, marker, shift, factor), colour in zip(looks, colours, strict=True):
        part = laws[laws["factor"] == factor]
        bounds = [part["error"] - part["error_low"], part["error_high"] - part["error"]]
        panel.errorbar(
            part["error"], np.arange(len(part)) + shift, xerr=np.array(bounds, dtype=float),
            fmt=marker, color=colour, label=label, **style.BARS,
        )  # fmt: skip
    panel.set_yticks(range(len(powers)), [rf"$v\,m^{{{power}}}$" for power in powers])
    panel.set(ylim=(len(powers) - 0.5, -0.5), xlim=(0, None))
    panel.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)


def _counts(frame: pd.DataFrame) -> str:
    n = style.per_setting(frame, ["grammar_seed"])
    return f"n = {n} grammars of each of {frame.groupby(GRAMMAR).ngroups} settings"


def _numbers(exponents: pd.DataFrame) -> list[str]:
    """The slope for levels from 2 up, and the exponents of m and v where they are determined."""
    lines = []
    slopes = exponents[exponents["quantity"] == "law_exponent"]
    whole = slopes[slopes["level"].isna()]
    if not whole.empty:
        row = whole.iloc[0]
        fit = "" if np.isnan(row["misfit"]) else f" (lack of fit: p = {row['misfit']:.2g})"
        lines.append(f"fitted slope for levels from 2: {_interval(row)}{fit}")
    for name in ("m", "v"):
        rows = exponents[exponents["quantity"] == f"{name}_exponent"]
        known = rows.dropna(subset="prediction")
        found = [f"{_interval(row)} at level {row['level']:.0f}" for _, row in known.iterrows()]
        lines += [f"exponent of {name}: {', '.join(found)}"] if found else []
    return lines or ["fitted slope: not resolved"]


def _interval(row: pd.Series) -> str:
    return style.interval(row["estimate"], row["low"], row["high"])
