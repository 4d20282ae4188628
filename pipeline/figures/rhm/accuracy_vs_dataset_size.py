"""Accuracy of generated strings against dataset size, level by level, and its collapse."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.analysis.collapse import in_range
from pipeline.analysis.curves import (
    GRAMMAR,
    at_best_checkpoint,
    chance_accuracy,
    finite_sizes,
    predicted_size,
)
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfAnalysis

QUANTITIES = {"measurements": (*style.ACCURACIES, "copied_fraction")}
_GREY = "0.45"
_CURVE = [*GRAMMAR, "level"]


def draw(
    settings: OfAnalysis,
    measurements: pd.DataFrame,
    losses: pd.DataFrame,
    sample_complexity: pd.DataFrame,
    exponents: pd.DataFrame,
    laws: pd.DataFrame,
) -> Figure:
    """Left: levels of the first setting, with copies. Right: all settings over the prediction."""
    found = finite_sizes(at_best_checkpoint(measurements, losses))
    quantity, among = settings.analysis.accuracy, settings.analysis.among
    best = _with_chance(found[(found["quantity"] == quantity) & (found["among"] == among)])
    copies = found[found["quantity"] == "copied_fraction"]
    figure, (single, every) = style.panels(settings, 2)
    _levels(single, settings, _first(best), _first(copies))
    _collapse(every, settings, best, in_range(best, sample_complexity))
    single.set_ylabel(f"{style.LABELS[quantity]}, {style.LABELS[among]}")
    single.set_title(style.grammar_label(_first(best)))
    numbers = (table[table["criterion"] == quantity] for table in (exponents, laws))
    every.set_title("\n".join(_numbers(*numbers)), loc="left")
    label = "checkpoint of lowest validation loss; dotted: the exact denoiser"
    shown = (
        "left: mean and 95% t interval; right: mean of every setting, levels from 2 up, filled if "
        "half-way inside the range in all grammars,"
    )
    style.footnote(figure, best, label, shown)
    return figure


def _with_chance(frame: pd.DataFrame) -> pd.DataFrame:
    """Accuracies with `chance`, and the share of the way up to the exact denoiser's as `risen`."""
    places = frame[["quantity", *_CURVE]].drop_duplicates()
    chances = [chance_accuracy(*row) for row in places.itertuples(index=False)]
    frame = frame.merge(places.assign(chance=np.array(chances, float)), on=list(places))
    way = frame["ceiling"] - frame["chance"]
    return frame.assign(risen=(frame["estimate"] - frame["chance"]) / way)


def _first(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first setting."""
    return frame.merge(frame[GRAMMAR].iloc[:1], on=GRAMMAR)


def _levels(panel: Axes, settings: OfAnalysis, frame: pd.DataFrame, copies: pd.DataFrame) -> None:
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(grouped(frame, "level")):
        summary, label = style.summarise(part, ["dataset_size"]), f"level {level:.0f}"
        x = summary["dataset_size"]
        style.curve(panel, x, summary, index, color=colours[index], label=label)
        panel.axhline(part["ceiling"].mean(), color=colours[index], linestyle=":", linewidth=0.8)
    summary = style.summarise(copies, ["dataset_size"])
    looks = {"color": _GREY, "marker": "x", "label": "copies"}
    style.curve(panel, summary["dataset_size"], summary, 0, **looks)
    _chance(panel, frame.groupby("level")["chance"].first(), colours)
    log_axes.plain_log_axis(panel, "x", frame["dataset_size"])
    panel.set(xlabel=style.LABELS["dataset_size"], ylim=(-0.03, 1.03))
    place: style.Looks = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.08)}
    panel.legend(**place, ncols=5, columnspacing=1, handlelength=1.4)


def _chance(panel: Axes, chances: pd.Series, colours: Sequence[style.Colour]) -> None:
    """Accuracy of random strings by level, in its colour; in grey if it is the same for all."""
    lines: list[tuple[float, style.Colour | str]] = list(zip(chances, colours, strict=True))
    if chances.nunique() == 1:
        lines = [(chances.iloc[0], _GREY)]
    for index, (chance, colour) in enumerate(lines):
        label = None if index else "chance"
        panel.axhline(chance, color=colour, linestyle="-.", linewidth=0.8, label=label)


def _collapse(panel: Axes, settings: OfAnalysis, frame: pd.DataFrame, inside: pd.DataFrame) -> None:
    """All settings: marker by level, as on the left, and shade by setting.

    Curves that are half-way `inside` the range, of which the numbers are, are filled.
    """
    levels = sorted(frame["level"].unique())
    groups = list(grouped(frame[frame["level"] >= 2], GRAMMAR, sort=False))
    colours = style.shades(settings, len(groups))
    filled = set(inside[_CURVE].itertuples(index=False, name=None))
    for ((v, m, s, depth), part), colour in zip(groups, colours, strict=True):
        for level, curve in grouped(part, "level"):
            summary = style.summarise(curve, ["dataset_size"], "risen")
            scale = predicted_size(v, m, s, int(level))
            face = colour if (v, m, s, depth, level) in filled else "white"
            if np.isfinite(scale):
                panel.plot(
                    summary["dataset_size"] / scale, summary["mean"], color=colour, linewidth=0.5,
                    marker=style.MARKERS[levels.index(level)], markersize=3, markerfacecolor=face,
                )  # fmt: skip
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=style.setting_name(setting))
        for (setting, _), colour in zip(groups, colours, strict=True)
    ]
    panel.legend(
        handles=handles, title=style.SETTING_TITLE, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    log_axes.log_axis(panel, "x")
    panel.set(xlabel=r"$P\,(1 - m / v^{s-1})\,/\,(v\,m^{\ell+1})$", ylim=(-0.03, 1.03))
    panel.set_ylabel("(accuracy - chance) / (exact - chance)")


def _numbers(exponents: pd.DataFrame, laws: pd.DataFrame) -> list[str]:
    """How P*_l grows with the prediction, and how well one curve fits settings held out."""
    lines = []
    slopes = exponents[(exponents["quantity"] == "law_exponent") & exponents["level"].isna()]
    for _, row in slopes.iterrows():
        found = style.interval(row["estimate"], row["low"], row["high"])
        lines.append(rf"$P^*_\ell$ grows as the prediction to the power {found}")
        if not np.isnan(row["misfit"]):
            lines.append(f"lack of fit of this power: p = {row['misfit']:.2g}")
    for _, row in laws[laws["lead"].notna()].iterrows():
        found = style.interval(row["explained"], row["explained_low"], row["explained_high"])
        rival = laws[laws["law"] != row["law"]].nlargest(1, "explained").iloc[0]
        power = rival["law"].replace("l", r"\ell").replace("(", "{").replace(")", "}")
        lines.append(f"explained of {row['settings']:.0f} settings, each held out: {found}")
        lines.append(rf"by the best rival, ${power}$: {rival['explained']:.2f}")
    return lines or ["no setting to hold out"]
