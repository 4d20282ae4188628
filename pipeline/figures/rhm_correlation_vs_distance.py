"""Token-token correlations of generated strings against distance, and the coherence length."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import at_best_checkpoint, finite_sizes
from pipeline.analysis.samples import square_root
from pipeline.figures import style
from pipeline.grammar.correlations import correlation_law

QUANTITIES = {"measurements": ("squared_correlation", "correlation_ratio", "coherence_length")}

_SIZES_SHOWN = 4


def draw(settings: dict, measurements: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """Correlation by distance in the tree, its ratio to that of the data, and the length."""
    best = finite_sizes(at_best_checkpoint(measurements, losses))
    figure, axes = style.panels(settings, 3)
    _magnitude(axes[0], settings, best[best["quantity"] == "squared_correlation"])
    ratios = best[(best["quantity"] == "correlation_ratio") & best["level"].notna()]
    _ratio(axes[1], settings, ratios)
    _length(axes[2], best)
    label = f"{style.grammar_label(best)}; checkpoint of lowest validation loss"
    style.footnote(figure, best, label)
    return figure


def _magnitude(panel: Axes, settings: dict, frame: pd.DataFrame) -> None:
    frame = frame[frame["level"].notna()]
    sizes = style.spread(frame["dataset_size"].unique(), _SIZES_SHOWN)
    for index, (size, colour) in enumerate(zip(sizes, style.shades(settings, 4), strict=False)):
        summary = style.summarise(frame[frame["dataset_size"] == size], ["s", "level"])
        summary = square_root(summary)
        x = summary["s"] ** (summary["level"] - 1)
        panel.errorbar(
            x, summary["mean"], [summary["down"], summary["up"]],
            marker=style.MARKERS[index], markersize=4, capsize=2, color=colour, label=f"{size}",
        )  # fmt: skip
    first = frame.iloc[0]
    levels = np.sort(frame["level"].unique()).astype(int)
    law = [correlation_law(first["v"], first["m"], first["s"], level) for level in levels]
    panel.plot(first["s"] ** (levels - 1.0), law, label="theory", **style.THEORY)
    panel.set(xscale="log", yscale="log", xlabel=r"distance $s^{\ell-1}$ (tokens)")
    panel.set_ylabel("rms correlation")
    panel.set_ylim(bottom=law[-1] / 5)
    panel.set_xscale("log", base=int(first["s"]))
    panel.legend(title="$P$", loc="lower left")


def _ratio(panel: Axes, settings: dict, frame: pd.DataFrame) -> None:
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(frame.groupby("level")):
        summary = style.summarise(part, ["dataset_size"])
        x = summary["dataset_size"]
        style.curve(panel, x, summary, index, color=colours[index], label=f"{level:.0f}")
    panel.axhline(1, label="data", **style.THEORY)
    panel.set(xscale="log", xlabel=style.LABELS["dataset_size"], ylim=(-0.2, 2.0))
    panel.set_ylabel("correlation / that of the data")
    panel.legend(title="meet at level", loc="upper left")


def _length(panel: Axes, frame: pd.DataFrame) -> None:
    lengths = frame[frame["quantity"] == "coherence_length"]
    summary = style.summarise(lengths, ["dataset_size"])
    style.curve(panel, summary["dataset_size"], summary, 0, color="k", label="samples")
    whole = lengths["s"].iloc[0] ** lengths["L"].iloc[0]
    panel.axhline(whole, label="data", **style.THEORY)
    panel.set(xscale="log", xlabel=style.LABELS["dataset_size"], ylim=(0, None))
    panel.set_ylabel("coherence length (tokens)")
    panel.legend(loc="lower right")
