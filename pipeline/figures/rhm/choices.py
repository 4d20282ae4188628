"""What each departure from a recipe changes: a forest plot of ratios and differences."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.departures import BASE
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings

_EDGES = {"below": (0.02, "<"), "above": (0.98, ">"), "undecided": (0.5, "x")}
"""Where across a panel, and with which marker, a departure without a number stands."""


def draw(settings: FigureSettings, departures: pd.DataFrame) -> Figure:
    """Half-way sizes of every level, steps and final accuracy of the deepest, by departure."""
    changes = departures[departures["departure"] != BASE]
    names = list(changes["departure"].unique())
    levels = sorted(changes["level"].unique())
    panels = [("half_way_dataset_size_ratio", level) for level in levels]
    panels += [("half_way_step_ratio", levels[-1]), ("final_accuracy_difference", levels[-1])]
    figure, axes = style.panels(settings, len(panels), sharey=True)
    figure.set_size_inches(settings.style.page_width, 0.24 * len(names) + 1.1)
    for panel, (quantity, level) in zip(axes, panels, strict=True):
        part = changes[(changes["quantity"] == quantity) & (changes["level"] == level)]
        _forest(panel, settings, part, names)
        panel.set_title(_title(quantity, level))
    axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    style.legend(figure, axes[-1], title=style.SETTING_TITLE, loc="outside upper right", ncols=3)
    grammars = int(changes["grammars"].min())
    style.note(
        figure,
        "against the recipe that the run has, paired by grammar and training set",
        f"mean (of ratios: geometric) and 95% t interval over n = {grammars} grammars",
        "triangle at an edge: some grammar is beyond the range studied, on that side; "
        "cross: so is the recipe itself",
    )
    return figure


def _title(quantity: str, level: float) -> str:
    names = {
        "half_way_dataset_size_ratio": rf"$P^*_{level:.0f}$, ratio",
        "half_way_step_ratio": f"half-way step,\nlevel {level:.0f}, ratio",
        "final_accuracy_difference": f"final accuracy,\nlevel {level:.0f}, difference",
    }
    return names[quantity]


def _forest(panel: Axes, settings: FigureSettings, frame: pd.DataFrame, names: list[str]) -> None:
    """One row of the panel per departure, one marker in it per setting."""
    ratio = frame["quantity"].str.endswith("ratio").any()
    grammars = list(grouped(frame, ["v", "m", "s", "L"]))
    colours = style.shades(settings, len(grammars))
    for index, ((setting, part), colour) in enumerate(zip(grammars, colours, strict=True)):
        shift = (index - (len(grammars) - 1) / 2) * 0.3
        rows = part["departure"].map(names.index) + shift
        bars = [part["estimate"] - part["low"], part["high"] - part["estimate"]]
        marker = style.MARKERS[index % len(style.MARKERS)]
        panel.errorbar(
            part["estimate"], rows, xerr=np.array(bars, dtype=float), fmt=marker, color=colour,
            label=style.setting_name(setting), **style.BARS,
        )  # fmt: skip
        for status, (edge, symbol) in _EDGES.items():
            out = rows[part["status"] == status]
            panel.scatter(
                np.full(len(out), edge), out, marker=symbol, s=14, color=colour,
                transform=panel.get_yaxis_transform(),
            )  # fmt: skip
    panel.axvline(1 if ratio else 0, **style.THEORY)
    panel.set_xlabel("ratio" if ratio else "difference")
    if ratio:
        log_axes.log_axis(panel, "x", 4)
    panel.grid(axis="y", linewidth=0.3)
