"""Token-token correlations of generated strings against distance, and the coherence length."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import at_best_checkpoint, finite_sizes
from pipeline.analysis.groups import grouped
from pipeline.analysis.samples import square_root
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings

QUANTITIES = {
    "measurements": (
        "squared_correlation",
        "exact_squared_correlation",
        "correlation_ratio",
        "coherence_length",
    )
}

_SIZES_SHOWN = 4


def draw(settings: FigureSettings, measurements: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """Correlation by distance in the tree, its ratio to that of the data, and the length."""
    best = finite_sizes(at_best_checkpoint(measurements, losses))
    figure, axes = style.panels(settings, 3, height=1.1)
    _magnitude(axes[0], settings, best)
    ratios = best[(best["quantity"] == "correlation_ratio") & best["level"].notna()]
    _ratio(axes[1], settings, ratios[ratios["among"] == "all"])
    _length(axes[2], settings, best[best["quantity"] == "coherence_length"])
    label = f"{style.grammar_label(best)}; checkpoint of lowest validation loss"
    style.footnote(figure, best, label)
    return figure


def _magnitude(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    """Root mean squares of samples and, dashed, exact ones of the same grammars."""
    measured = frame[(frame["quantity"] == "squared_correlation") & frame["level"].notna()]
    sizes, s = style.spread(frame["dataset_size"].unique(), _SIZES_SHOWN), int(frame["s"].iloc[0])
    colours = style.shades(settings, len(sizes))
    for index, (size, colour) in enumerate(zip(sizes, colours, strict=True)):
        part = measured[measured["dataset_size"] == size]
        summary = square_root(style.summarise(part, ["level"]))
        panel.errorbar(
            s ** (summary["level"] - 1), summary["mean"], [summary["down"], summary["up"]],
            marker=style.MARKERS[index], color=colour, label=f"$P={size}$", **style.BARS,
        )  # fmt: skip
    exact = frame[frame["quantity"] == "exact_squared_correlation"]
    known = square_root(style.summarise(exact, ["level"]).fillna(0.0))
    panel.plot(s ** (known["level"] - 1), known["mean"], label="exact", **style.THEORY)
    panel.set(xlabel=r"distance $s^{\ell-1}$ (tokens)", ylabel="rms correlation", yscale="log")
    panel.set_ylim(bottom=known["mean"].min() / 5)
    log_axes.log_axis(panel, "y")
    log_axes.plain_log_axis(panel, "x", s ** (known["level"] - 1))
    _above(panel)


def _ratio(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(grouped(frame, "level")):
        summary = style.summarise(part, ["dataset_size"])
        x, label = summary["dataset_size"], rf"$\ell={level:.0f}$"
        style.curve(panel, x, summary, index, color=colours[index], label=label)
    panel.axhline(1, label="data", **style.THEORY)
    log_axes.plain_log_axis(panel, "x", frame["dataset_size"], 4)
    panel.set(xlabel=style.LABELS["dataset_size"], ylim=(-0.2, 2.0))
    panel.set_ylabel("correlation / that of the data")
    _above(panel)


def _length(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    """Of all samples, and of those that are no copies."""
    kinds = {"all": "all", "novel_strings": "novel"}
    colours = style.shades(settings, len(kinds))
    for index, ((among, label), colour) in enumerate(zip(kinds.items(), colours, strict=True)):
        summary = style.summarise(frame[frame["among"] == among], ["dataset_size"])
        style.curve(panel, summary["dataset_size"], summary, index, color=colour, label=label)
    whole = frame["s"].iloc[0] ** frame["L"].iloc[0]
    panel.axhline(whole, label="data", **style.THEORY)
    log_axes.plain_log_axis(panel, "x", frame["dataset_size"], 4)
    panel.set(xlabel=style.LABELS["dataset_size"], ylim=(0, None))
    panel.set_ylabel("coherence length (tokens)")
    _above(panel)


def _above(panel: Axes) -> None:
    """The legend of a panel, above it."""
    panel.legend(
        loc="lower center", bbox_to_anchor=(0.45, 1), ncols=2, columnspacing=0.8, handlelength=1.4
    )
