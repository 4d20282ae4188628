"""Fraction of samples that are valid and novel, over dataset size and training step."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import best_checkpoints, finite_sizes
from pipeline.figures import style

_PANELS = {"valid_and_novel_fraction": "valid and novel", "copied_fraction": "copied"}
QUANTITIES = {"measurements": tuple(_PANELS)}


def draw(settings: dict, measurements: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """Left: valid and novel. Right: copied from the training set. Dots: lowest validation loss."""
    frame = finite_sizes(measurements)
    best = finite_sizes(best_checkpoints(losses))
    figure, axes = style.panels(settings, 2, sharey=True)
    for panel, (quantity, title) in zip(axes, _PANELS.items(), strict=True):
        _map(panel, settings, frame[frame["quantity"] == quantity], best)
        panel.set(title=f"fraction {title}")
    axes[0].set_ylabel(style.LABELS["step"])
    style.footnote(
        figure, frame, f"{style.grammar_label(frame)}; dots: lowest validation loss", "mean"
    )
    return figure


def _map(panel: Axes, settings: dict, frame: pd.DataFrame, best: pd.DataFrame) -> None:
    mean = frame.pivot_table(index="step", columns="dataset_size", values="estimate")
    style.heat_map(panel, settings, mean)
    for size, part in best.groupby("dataset_size"):
        steps = part["step"].median()
        nearest = min(mean.index, key=lambda step: abs(step - steps))
        x, y = mean.columns.get_loc(size), len(mean) - 1 - mean.index.get_loc(nearest)
        panel.plot(x + 0.85, y + 0.2, "o", color="w", markeredgecolor="k", markersize=3)
