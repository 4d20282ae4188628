"""Accuracy of generated strings against dataset size, level by level, and its collapse."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import at_best_checkpoint, finite_sizes
from pipeline.figures import style

QUANTITIES = {"measurements": (*style.ACCURACIES, "copied_fraction")}


def draw(settings: dict, measurements: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """All samples with copies, novel strings, novel subtrees; collapse of all samples as inset."""
    found = finite_sizes(at_best_checkpoint(measurements, losses))
    quantity = settings["analysis"]["accuracy"]
    best = found[found["quantity"] == quantity]
    figure, axes = style.panels(settings, 3, sharey=True)
    for panel, among in zip(axes, ("all", "novel_strings", "novel_subtrees"), strict=True):
        part = best[best["among"] == among]
        _levels(panel, settings, part)
        panel.set(xscale="log", xlabel=style.LABELS["dataset_size"], title=style.LABELS[among])
        panel.set(ylim=(-0.03, 1.03))
    axes[0].set_ylabel(style.LABELS[quantity])
    _copies(axes[0], found[found["quantity"] == "copied_fraction"])
    axes[2].legend(title="level", loc="center left", bbox_to_anchor=(1, 0.5))
    _collapse(axes[2], settings, best[best["among"] == "all"])
    label = f"{style.grammar_label(best)}; checkpoint of lowest validation loss"
    style.footnote(figure, best, label)
    return figure


def _levels(panel: Axes, settings: dict, frame: pd.DataFrame) -> None:
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(frame.groupby("level")):
        summary = style.summarise(part, ["dataset_size"])
        x = summary["dataset_size"]
        style.curve(panel, x, summary, index, color=colours[index], label=f"{level:.0f}")
        panel.axhline(part["ceiling"].mean(), color=colours[index], linestyle=":", linewidth=0.8)


def _copies(panel: Axes, frame: pd.DataFrame) -> None:
    """Fraction of samples that stand in the training set, beside the accuracies they count in."""
    summary = style.summarise(frame, ["dataset_size"])
    looks = {"color": "0.5", "marker": "x", "linewidth": 1.0}
    style.curve(panel, summary["dataset_size"], summary, 0, label="copies", **looks)
    panel.legend(handles=[panel.containers[-1]], loc="center left")


def _collapse(panel: Axes, settings: dict, frame: pd.DataFrame) -> None:
    inset = panel.inset_axes((0.14, 0.66, 0.4, 0.26))
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(frame.groupby("level")):
        summary = style.summarise(part, ["v", "m", "dataset_size"])
        scale = summary["v"] * np.power(summary["m"].astype(float), level + 1)
        rescaled = summary["dataset_size"] / scale
        marker = style.MARKERS[index]
        inset.plot(rescaled, summary["mean"], marker=marker, markersize=2, color=colours[index])
    inset.set(xscale="log", ylim=(-0.03, 1.03))
    inset.set_title(r"all samples against $P / (v\,m^{\ell+1})$", fontsize=6, pad=3)
    inset.tick_params(labelsize=5)
