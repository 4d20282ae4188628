"""Accuracy of generated strings against dataset size, level by level, and its collapse."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.analysis.curves import GRAMMAR, at_best_checkpoint, finite_sizes, predicted_size
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfAnalysis

QUANTITIES = {"measurements": (*style.ACCURACIES, "copied_fraction")}


def draw(
    settings: OfAnalysis, measurements: pd.DataFrame, losses: pd.DataFrame, laws: pd.DataFrame
) -> Figure:
    """Left: levels of the first setting, with copies. Right: all settings over the prediction."""
    found = finite_sizes(at_best_checkpoint(measurements, losses))
    quantity, among = settings.analysis.accuracy, settings.analysis.among
    best = found[(found["quantity"] == quantity) & (found["among"] == among)]
    copies = found[found["quantity"] == "copied_fraction"]
    figure, (single, every) = style.panels(settings, 2, sharey=True)
    _levels(single, settings, _first(best), _first(copies))
    _collapse(every, settings, best)
    single.set_ylabel(f"{style.LABELS[quantity]}, {style.LABELS[among]}")
    single.set_title(style.grammar_label(_first(best)))
    every.set_title(_number(laws[laws["criterion"] == quantity]))
    label = "checkpoint of lowest validation loss; dotted: the exact denoiser"
    shown = "left: mean and 95% t interval; right: mean of every setting, levels from 2 up,"
    style.footnote(figure, _first(best), label, shown)
    return figure


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
    looks = {"color": "0.45", "marker": "x", "label": "copies"}
    style.curve(panel, summary["dataset_size"], summary, 0, **looks)
    log_axes.plain_log_axis(panel, "x", frame["dataset_size"])
    panel.set(xlabel=style.LABELS["dataset_size"], ylim=(-0.03, 1.03))
    panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=4, columnspacing=1)


def _collapse(panel: Axes, settings: OfAnalysis, frame: pd.DataFrame) -> None:
    """All settings: marker by level, as on the left, and shade by setting."""
    levels = sorted(frame["level"].unique())
    groups = list(grouped(frame[frame["level"] >= 2], GRAMMAR, sort=False))
    colours = style.shades(settings, len(groups))
    for ((v, m, s, _), part), colour in zip(groups, colours, strict=True):
        for level, curve in grouped(part, "level"):
            summary = style.summarise(curve, ["dataset_size"])
            scale = predicted_size(v, m, s, int(level))
            marker = style.MARKERS[levels.index(level)]
            if np.isfinite(scale):
                panel.plot(
                    summary["dataset_size"] / scale, summary["mean"],
                    marker=marker, markersize=3, linewidth=0.5, color=colour,
                )  # fmt: skip
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=style.setting_name(setting))
        for (setting, _), colour in zip(groups, colours, strict=True)
    ]
    panel.legend(
        handles=handles, title=style.SETTING_TITLE, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    log_axes.log_axis(panel, "x")
    panel.set(xlabel=r"$P\,(1 - m / v^{s-1})\,/\,(v\,m^{\ell+1})$")


def _number(laws: pd.DataFrame) -> str:
    """Variance that the law and its best rival explain of settings held out."""
    law = laws[laws["lead"].notna()]
    if law.empty:
        return "no setting to hold out"
    row = law.iloc[0]
    rival = laws[laws["law"] != row["law"]].nlargest(1, "explained").iloc[0]
    bounds = "" if np.isnan(row["explained_low"]) else (
        f" [{row['explained_low']:.2f}, {row['explained_high']:.2f}]"
    )  # fmt: skip
    power = rival["law"].replace("l", r"\ell").replace("(", "{").replace(")", "}")
    best = rf"best rival, ${power}$: {rival['explained']:.2f}"
    count = f"{row['settings']:.0f} settings in range"
    return f"explained of held-out settings: {row['explained']:.2f}{bounds} ({count}); {best}"
