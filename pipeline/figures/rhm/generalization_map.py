"""Fraction of samples that are valid and novel, over dataset size and training step."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from pipeline.analysis.curves import all_inside, best_checkpoints, finite_sizes
from pipeline.figures import style
from pipeline.figures.settings import FigureSettings

_PANELS = {"valid_and_novel_fraction": "valid and novel", "copied_fraction": "copied"}
QUANTITIES = {"measurements": tuple(_PANELS)}
_RIM = [Stroke(linewidth=2.6, foreground=style.INK), Normal()]
_WHITE: style.Looks = {"color": "w", "linewidth": 1.2, "markersize": 3}
"""White stands out from the map, and its black rim from the paper below the legend."""


def draw(
    settings: FigureSettings,
    measurements: pd.DataFrame,
    losses: pd.DataFrame,
    memorization: pd.DataFrame,
) -> Figure:
    """Left: valid and novel. Right: copied. Lines: when strings are learnt, and copied."""
    frame = finite_sizes(measurements)
    best = finite_sizes(best_checkpoints(losses))
    figure, axes = style.panels(settings, 2, sharey=True)
    for panel, (quantity, title) in zip(axes, _PANELS.items(), strict=True):
        part = frame[frame["quantity"] == quantity]
        mean = part.pivot_table(index="step", columns="dataset_size", values="estimate")
        style.heat_map(figure, panel, settings, mean, label=f"fraction {title}")
        _lines(panel, best, memorization)
    axes[0].set_ylabel(style.LABELS["step"])
    style.legend(figure, axes[1], loc="outside upper center", ncols=3, labelcolor=style.INK)
    style.footnote(figure, frame, style.grammar_label(frame), "mean")
    return figure


def _lines(panel: Axes, best: pd.DataFrame, times: pd.DataFrame) -> None:
    """Best checkpoint, and half-way times where all replicas have one, by dataset size."""
    lowest = best.groupby("dataset_size")["step"].median()
    panel.plot(
        lowest.index,
        lowest,
        "o",
        markeredgecolor=style.INK,
        label="lowest validation loss",
        **_WHITE,
    )
    top = times["level"] == times["L"]
    lines = (
        ("highest level half learnt", times[top], "--"),
        ("half are copies", times[times["quantity"] == "copied_excess"], "-"),
    )
    for label, part, dash in lines:
        found = finite_sizes(all_inside(part, ["dataset_size"]))
        middle = found.groupby("dataset_size")["threshold"].median()
        if len(middle) > 1:
            panel.plot(middle.index, middle, dash, label=label, path_effects=_RIM, **_WHITE)
