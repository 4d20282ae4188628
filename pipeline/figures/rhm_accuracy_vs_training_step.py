"""Accuracy of generated strings against training step, with new strings at every step."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import all_inside
from pipeline.figures import style

QUANTITIES = {"measurements": style.ACCURACIES}


def draw(settings: dict, measurements: pd.DataFrame, sample_complexity: pd.DataFrame) -> Figure:
    """Left: the levels in training time. Right: when each is half-way to its ceiling."""
    quantity = settings["analysis"]["accuracy"]
    online = (measurements["dataset_size"] == "online") & (measurements["among"] == "all")
    frame = measurements[online & (measurements["quantity"] == quantity)]
    figure, axes = style.panels(settings, 2)
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(frame.groupby("level")):
        summary = style.summarise(part, ["step"])
        label = f"{level:.0f}"
        style.curve(axes[0], summary["step"], summary, index, color=colours[index], label=label)
    axes[0].set(xscale="log", xlabel=style.LABELS["step"], ylabel=style.LABELS[quantity])
    axes[0].set(ylim=(-0.03, 1.03))
    axes[0].legend(title="level", loc="upper left")
    _half_way(axes[1], sample_complexity)
    style.footnote(
        figure, frame, f"{style.grammar_label(measurements)}; online: new strings at every step"
    )
    return figure


def _half_way(panel: Axes, thresholds: pd.DataFrame) -> None:
    steps = all_inside(thresholds[thresholds["variable"] == "step"], ["level"])
    panel.set(yscale="log", xlabel=r"level $\ell$", ylabel="half-way training step")
    if steps.empty:
        panel.set_title("no level is half-way within the run", fontsize=8)
        return
    logs = steps.assign(log=np.log(steps["threshold"]))
    summary = style.summarise(logs, ["level"], value="log")
    middle = np.exp(summary["mean"])
    bars = [middle - np.exp(summary["low"]), np.exp(summary["high"]) - middle]
    panel.errorbar(summary["level"], middle, bars, fmt="o", color="k", capsize=2, label="measured")
    slope = steps["m"].iloc[0] ** (summary["level"] - summary["level"].iloc[0]).astype(float)
    panel.plot(
        summary["level"], middle.iloc[0] * slope, label=r"$\propto m^{\ell}$", **style.THEORY
    )
    panel.set_xticks(summary["level"])
    panel.legend(loc="upper left")
