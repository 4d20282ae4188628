"""Generated strings as trees, at several dataset sizes and checkpoints."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import REPLICA, finite_sizes
from pipeline.analysis.groups import grouped
from pipeline.figures import style
from pipeline.figures.settings import FigureSettings

_SIZES, _STEPS, _STRINGS = 3, 4, 2
_KINDS = {"valid and new": ("o", 0), "valid, seen in training": ("s", 1), "not valid": ("x", None)}
"""Marker and number of the colour of every kind of node."""


def draw(settings: FigureSettings, trees: pd.DataFrame) -> Figure:
    """A row for each dataset size, a column for each checkpoint, strings side by side in each."""
    one = trees[REPLICA].iloc[:1]
    frame = finite_sizes(trees.merge(one, on=REPLICA))
    sizes = style.spread(frame["dataset_size"].unique(), _SIZES)
    steps = style.spread(frame["step"].unique(), _STEPS)
    columns = max(len(steps), 2)
    figure, axes = style.panels(settings, columns, rows=len(sizes), height=0.5)
    for place, panel in enumerate(axes):
        row, column = divmod(place, columns)
        panel.set_axis_off()
        if column < len(steps):
            chosen = (frame["dataset_size"] == sizes[row]) & (frame["step"] == steps[column])
            _strings(panel, settings, frame[chosen & (frame["sample"] < _STRINGS)])
            panel.set_title(f"$P = {sizes[row]}$, step {steps[column]}")
    _legend(figure, axes[0], settings)
    style.note(
        figure,
        style.grammar_label(frame),
        f"the first {_STRINGS} strings of one network, from the same random numbers everywhere",
        "a node stands for the tokens below it; single tokens, at the bottom, are not coloured",
    )
    return figure


def _strings(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    """Trees side by side; every node is joined with its parent."""
    for sample, tree in grouped(frame, "sample"):
        s, length = int(tree["s"].iloc[0]), int((tree["level"] == 0).sum())
        width = s ** tree["level"]
        x = (tree["node"] + 0.5) * width + sample * (length + 1)
        nodes = tree.assign(x=x, parent=tree["node"] // s, above=tree["level"] + 1)
        up = nodes[["level", "node", "x"]].rename(columns={"level": "above", "node": "parent"})
        edges = nodes.merge(up, on=["above", "parent"], suffixes=("", "_parent"))
        lines = (
            np.array([edges["x"], edges["x_parent"]]),
            np.array([edges["level"], edges["above"]]),
        )
        panel.plot(*lines, color="0.7", linewidth=0.5, zorder=0)
        _nodes(panel, settings, nodes)
    panel.set_ylim(-0.4, frame["L"].max() + 0.4)


def _nodes(panel: Axes, settings: FigureSettings, nodes: pd.DataFrame) -> None:
    tokens, above = nodes[nodes["level"] == 0], nodes[nodes["level"] > 0]
    panel.plot(tokens["x"], tokens["level"], ".", color="0.5", markersize=2)
    kinds = np.select([above["symbol"].isna(), above["novel"].astype(bool)], [2, 0], 1)
    for index, name in enumerate(_KINDS):
        part = above[kinds == index]
        panel.plot(part["x"], part["level"], **_looks(settings, name))


def _looks(settings: FigureSettings, kind: str) -> dict[str, Any]:
    marker, number = _KINDS[kind]
    colour = "C3" if number is None else style.shades(settings, 2)[1 - number]
    return {"linestyle": "", "marker": marker, "color": colour, "markersize": 3.5}


def _legend(figure: Figure, panel: Axes, settings: FigureSettings) -> None:
    for kind in _KINDS:
        panel.plot([], [], label=kind, **_looks(settings, kind))
    style.legend(figure, panel, loc="outside upper center", ncols=len(_KINDS))
