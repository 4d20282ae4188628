"""Panels on how far samples are coherent, of text and of images."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.analysis.groups import grouped
from pipeline.analysis.samples import NETWORK, mean_over_networks
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings, OfSamples

_KNOWN = 0.3
"""Standard error up to which a ratio is drawn."""


def draw_ratios(
    panel: Axes, settings: FigureSettings, frame: pd.DataFrame, real: pd.DataFrame
) -> None:
    """Correlation ratios against distance at every checkpoint, and of real data, dashed."""
    for part, looks in style.by_step(settings, frame):
        summary = _ratio(part).dropna()
        panel.errorbar(
            summary["distance"], summary["mean"], summary["error"], **looks, **style.BARS
        )
    shown = _ratio(real).dropna()
    panel.errorbar(shown["distance"], shown["mean"], shown["error"], label="real", **style.THEORY)
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    log_axes.plain_log_axis(panel, "x", shown["distance"])
    panel.set_ylabel("correlation ratio $R$")


def _ratio(frame: pd.DataFrame) -> pd.DataFrame:
    """Ratios that are known well enough to be read; others would hide them."""
    known = (frame["quantity"] == "correlation_ratio") & (frame["standard_error"] < _KNOWN)
    known &= frame["among"] == "all"
    return mean_over_networks(frame[known], ["distance"])


def lengths_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of equivalent block lengths of all samples."""
    chosen = (frame["quantity"] == "equivalent_block_length") & (frame["among"] == "all")
    return frame[chosen]


def draw_lengths(
    panel: Axes, settings: OfSamples, frame: pd.DataFrame, real: pd.DataFrame, unit: str
) -> None:
    """Equivalent block lengths of every network against step, and that of real data, dashed.

    Other weights than the figure's that were sampled, too, have curves of their own, dotted and
    open.
    """
    lengths, of_real = lengths_of(frame), lengths_of(real).iloc[0]
    for index, (_, network) in enumerate(grouped(lengths, NETWORK, dropna=False)):
        marker, average = style.MARKERS[index % len(style.MARKERS)], settings.average
        decays = network["average"]
        shown = decays.isna() if average is None else decays == average
        others = [part for _, part in grouped(network[~shown], "average", dropna=False)]
        dotted = {"linestyle": ":", "markerfacecolor": "none"}
        for part, looks in [(network[shown], {"linestyle": "-"}), *((o, dotted) for o in others)]:
            if part.empty:
                continue
            curve = part.sort_values("step")
            shifted = curve["step"] * 1.06**index  # bars side by side
            draw_intervals(panel, shifted, curve, marker=marker, color=f"C{index}", **looks)
    panel.axhspan(of_real["low"], of_real["high"], color="0.35", alpha=0.2, linewidth=0)
    bound = "at least " if of_real["status"] == "at least" else ""
    label = f"real: {bound}{of_real['estimate']:.3g} {unit}"
    panel.axhline(of_real["estimate"], label=label, **style.THEORY)
    highest = max(lengths["high"].max(), of_real["high"])
    log_axes.plain_log_axis(panel, "x", lengths["step"], 4)
    panel.set(xlabel=style.LABELS["step"], ylim=(0, 1.3 * highest))
    panel.set_ylabel(rf"block length $\xi$ ({unit})")
    panel.legend(loc="upper left")


def draw_intervals(panel: Axes, x: pd.Series, frame: pd.DataFrame, **looks: Any) -> None:
    """Estimates with their intervals, and an arrow where one is only a lower bound."""
    bars = np.maximum([frame["estimate"] - frame["low"], frame["high"] - frame["estimate"]], 0)
    panel.errorbar(x, frame["estimate"], bars, **{**style.BARS, **looks})
    bounds = (frame["status"] == "at least").to_numpy()
    panel.plot(x[bounds], 1.08 * frame["estimate"][bounds], "^", color=style.INK, markersize=5)


def draw_calibration(panel: Axes, calibration: pd.DataFrame, unit: str) -> None:
    """Equivalent block lengths of controls against the lengths of their blocks."""
    known = lengths_of(calibration[calibration["block_length"].notna()])
    known = known.sort_values("block_length")
    draw_intervals(panel, known["block_length"], known, fmt="o", color=style.INK)
    ends = [known["block_length"].min(), known["block_length"].max()]
    panel.plot(ends, ends, label=r"$\xi = b$", **style.THEORY)
    for which in "xy":
        log_axes.plain_log_axis(panel, which, known["block_length"])
    panel.set(xlabel=f"length $b$ of blocks ({unit})", ylabel=rf"block length $\xi$ ({unit})")
    panel.legend(loc="upper left")
