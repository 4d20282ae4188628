"""The figure of the suite: how cost grows with size, a panel per question."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from pipeline.artifacts.files import replacing
from pipeline.figures.settings import FigureSettings, Style
from pipeline.figures.style import MARKERS, panels, shades

LOOK = FigureSettings(style=Style(column_width=3.4, page_width=7.0, palette="viridis"), missing=[])
_COLUMNS = 3
_FEW = 40
"""Ratio of the largest to the smallest number up to which there is room for ticks at 1, 2 and 5."""


def draw(curves: list[dict], directory: Path) -> None:
    """Write `cost_growth.pdf` and `.png` from curves as they stand in the JSON."""
    mpl.use("agg")
    titles = list(dict.fromkeys(curve["panel"] for curve in curves))
    columns = min(_COLUMNS, len(titles))
    figure, axes = panels(LOOK, columns, 0.9, rows=-(-len(titles) // columns))
    for panel, title in zip(axes, titles, strict=False):
        _panel(panel, title, [curve for curve in curves if curve["panel"] == title])
    for panel in axes[len(titles) :]:
        panel.set_axis_off()
    for kind in ("pdf", "png"):
        with replacing(directory / f"cost_growth.{kind}") as temporary:
            figure.savefig(temporary, format=kind, dpi=200)
    plt.close(figure)


def _panel(axes: Axes, title: str, curves: list[dict]) -> None:
    for index, (curve, colour) in enumerate(zip(curves, shades(LOOK, len(curves)), strict=False)):
        label = curve["label"]
        if "slope" in curve:
            slope, low, high = curve["slope"]
            label = f"{label}\nslope {slope:.2f} [{low:.2f}, {high:.2f}]".strip()
        style = {"color": colour, "marker": MARKERS[index], "markersize": 3, "label": label}
        axes.errorbar(curve["x"], curve["y"], _bars(curve), capsize=1.5, linewidth=0.9, **style)
    powers = all("slope" in curve for curve in curves)
    axes.set(title=title, xlabel=curves[0]["x_name"], ylabel=curves[0]["y_name"], xscale="log")
    axes.set_yscale("log" if powers else "linear")
    _label_ticks(axes.xaxis, [x for curve in curves for x in curve["x"]])
    if powers:
        _label_ticks(axes.yaxis, [y for curve in curves for y in curve["y"]])
        axes.margins(y=0.3)  # room for the legend
    axes.title.set_size(8)
    if any(curve["label"] or "slope" in curve for curve in curves):
        axes.legend(fontsize=6, loc="best" if len(curves) > 1 and not powers else "upper left")


def _label_ticks(axis: Axis, values: list[float]) -> None:
    """Plain numbers at 1, 2 and 5 of every decade where there are few, else at decades."""
    if max(values) / min(values) < _FEW:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


def _bars(curve: dict) -> list[list[float]] | None:
    if not curve["low"]:
        return None
    below = [y - low for y, low in zip(curve["y"], curve["low"], strict=True)]
    above = [high - y for y, high in zip(curve["y"], curve["high"], strict=True)]
    return [below, above]
