"""Accuracy of generated strings against training step, with new strings at every step."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import all_inside
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfAnalysis

QUANTITIES = {"measurements": style.ACCURACIES}


def draw(
    settings: OfAnalysis, measurements: pd.DataFrame, sample_complexity: pd.DataFrame
) -> Figure:
    """Left: the levels in training time. Right: when each is half-way to its ceiling."""
    quantity = settings.analysis.accuracy
    online = (measurements["dataset_size"] == "online") & (measurements["among"] == "all")
    frame = measurements[online & (measurements["quantity"] == quantity)]
    figure, axes = style.panels(settings, 2)
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(grouped(frame, "level")):
        summary = style.summarise(part, ["step"])
        label = f"level {level:.0f}"
        style.curve(axes[0], summary["step"], summary, index, color=colours[index], label=label)
    log_axes.plain_log_axis(axes[0], "x", frame["step"])
    axes[0].set(xlabel=style.LABELS["step"], ylabel=style.LABELS[quantity], ylim=(-0.03, 1.03))
    style.legend(figure, axes[0])
    _half_way(axes[1], sample_complexity[sample_complexity["quantity"] == quantity])
    style.footnote(
        figure, frame, f"{style.grammar_label(measurements)}; online: new strings at every step"
    )
    return figure


def _half_way(panel: Axes, thresholds: pd.DataFrame) -> None:
    steps = all_inside(thresholds[thresholds["variable"] == "step"], ["level"])
    panel.set(xlabel=r"level $\ell$", ylabel="half-way training step")
    if steps.empty:
        panel.set_title("no level is half-way within the run")
        return
    logs = steps.assign(log=np.log(steps["threshold"]))
    summary = style.summarise(logs, ["level"], value="log")
    middle, bars = style.geometric(summary)
    panel.errorbar(
        summary["level"], middle, bars, fmt="o", color=style.INK, label="measured", **style.BARS
    )
    levels, log_m = np.arange(1, steps["L"].iloc[0] + 1), np.log(steps["m"].iloc[0])
    deep = summary[summary["level"] >= 2]  # the law is one of levels from 2 up
    if not deep.empty:
        constant = (deep["mean"] - deep["level"] * log_m).mean()
        line = np.exp(constant + levels * log_m)
        panel.plot(levels, line, label=r"$\propto m^{\ell}$", **style.THEORY)
    panel.set_xticks(levels)
    log_axes.log_axis(panel, "y")
    panel.legend(loc="upper left")
