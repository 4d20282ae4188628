"""The figure of the suite: how cost grows with size, a panel per question."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pipeline import artifacts
from pipeline.figures.style import MARKERS, panels, shades

LOOK = {"style": {"width": 2.4, "palette": "viridis"}}
_COLUMNS = 4


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
        with artifacts.replacing(directory / f"cost_growth.{kind}") as temporary:
            figure.savefig(temporary, format=kind, dpi=200)
    plt.close(figure)


def _panel(axes: Axes, title: str, curves: list[dict]) -> None:
    for index, (curve, colour) in enumerate(zip(curves, shades(LOOK, len(curves)), strict=False)):
        label = curve["label"]
        if "slope" in curve:
            slope, low, high = curve["slope"]
            label = f"{label} slope {slope:.2f} [{low:.2f}, {high:.2f}]".strip()
        style = {"color": colour, "marker": MARKERS[index], "markersize": 3, "label": label}
        axes.errorbar(curve["x"], curve["y"], _bars(curve), capsize=1.5, linewidth=0.9, **style)
    powers = all("slope" in curve for curve in curves)
    axes.set(title=title, xlabel=curves[0]["x_name"], ylabel=curves[0]["y_name"], xscale="log")
    axes.set_yscale("log" if powers else "linear")
    axes.title.set_size(8)
    if any(curve["label"] or "slope" in curve for curve in curves):
        axes.legend(fontsize=6)


def _bars(curve: dict) -> list[list[float]] | None:
    if not curve["low"]:
        return None
    below = [y - low for y, low in zip(curve["y"], curve["low"], strict=True)]
    above = [high - y for y, high in zip(curve["y"], curve["high"], strict=True)]
    return [below, above]
