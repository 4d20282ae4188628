"""Feature distances of generated images from real ones by depth, and when each depth converges."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.convergence import relative_distances
from pipeline.analysis.groups import grouped
from pipeline.analysis.samples import NETWORK, mean_over_networks, shown_samples
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfFeatures

_OUTSIDE = {"inside": "o", "below": "v", "above": "^"}


def draw(
    settings: OfFeatures,
    measurements: pd.DataFrame,
    calibration: pd.DataFrame,
    convergence: pd.DataFrame,
) -> Figure:
    """Relative distances against step, and the step of convergence against depth."""
    frame, times = (shown_samples(table, settings.average) for table in (measurements, convergence))
    fractions = sorted(times["fraction"].unique(), reverse=True)
    figure, axes = style.panels(settings, 2, rows=1 + -(-len(fractions) // 2), height=0.65)
    first, *_, last = _kinds(relative_distances(frame, calibration))
    for panel, (name, part) in zip(axes, (first, last), strict=False):
        _against_step(panel, settings, part, fractions)
        panel.set_title(name)
    style.legend(figure, axes[0], title="layer", loc="outside right upper")
    for panel, fraction in zip(axes[2:], fractions, strict=False):
        _against_depth(panel, times[times["fraction"] == fraction])
        log_axes.plain_log_axis(panel, "y", frame["step"])
        panel.set_ylim(frame["step"].min() / 1.4, frame["step"].max() * 5)
        panel.set_title(f"distance below {fraction:g}")
    style.legend(figure, axes[2], loc="outside right center")
    for panel in axes[2 + len(fractions) :]:
        panel.set_axis_off()
    shown = f"{style.IMAGE_BARS}; triangle: beyond the checkpoints"
    encoder = f"encoder: {settings.encoder}"
    style.samples_footnote(figure, frame, encoder, shown, style.weights(settings))
    return figure


def _kinds(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of every kernel, in the order of the config, and of the Frechet distance."""
    kernels = frame["kernel"].dropna().unique()
    parts = [(f"MMD$^2$, {kernel}", frame[frame["kernel"] == kernel]) for kernel in kernels]
    return [*parts, ("Fr\u00e9chet", frame[frame["quantity"] == "frechet"])]


def _against_step(
    panel: Axes, settings: OfFeatures, frame: pd.DataFrame, marks: list[float]
) -> None:
    layers = np.sort(frame["layer"].unique())
    for index, (layer, colour) in enumerate(
        zip(layers, style.shades(settings, len(layers)), strict=True)
    ):
        summary = mean_over_networks(frame[frame["layer"] == layer], ["step"])
        looks = {"marker": style.MARKERS[index % len(style.MARKERS)], "color": colour, **style.BARS}
        panel.errorbar(
            summary["step"], summary["mean"], summary["error"], label=f"{layer:.0f}", **looks
        )
    panel.axhline(0, **style.THEORY)
    for fraction in marks:
        panel.axhline(fraction, color="0.8", linewidth=0.8, zorder=0)
    log_axes.plain_log_axis(panel, "x", frame["step"])
    panel.set(xlabel=style.LABELS["step"], ylabel="distance, relative to noise")


def _against_depth(panel: Axes, times: pd.DataFrame) -> None:
    """Times of every network, and a line through geometric means where all networks have one."""
    layers, kinds = np.sort(times["layer"].unique()), _kinds(times)
    for index, (name, part) in enumerate(kinds):
        offset = 0.12 * (index - (len(kinds) - 1) / 2)
        means = _geometric_means(part)
        panel.plot(np.arange(len(layers)) + offset, means, color=f"C{index}", lw=0.8, label=name)
        for _, network in grouped(part, NETWORK, dropna=False):
            places = np.searchsorted(layers, network["layer"]) + offset
            _marks(panel, places, network, f"C{index}")
    panel.set_xticks(np.arange(len(layers)), [f"{layer:.0f}" for layer in layers])
    panel.set(xlabel="layer of the encoder", ylabel=style.LABELS["step"])


def _geometric_means(times: pd.DataFrame) -> pd.Series:
    """Means by layer; NaN where a time lies beyond the checkpoints: a mean needs all of them."""
    known = times["estimate"].where(times["status"] == "inside")
    return np.exp(np.log(known).groupby(times["layer"]).agg(lambda logs: logs.mean(skipna=False)))


def _marks(panel: Axes, places: np.ndarray, times: pd.DataFrame, colour: str) -> None:
    """Times with their intervals, and triangles where they are beyond the checkpoints."""
    bars = np.maximum([times["estimate"] - times["low"], times["high"] - times["estimate"]], 0)
    for status, marker in _OUTSIDE.items():
        chosen = (times["status"] == status).to_numpy()
        panel.errorbar(
            places[chosen], times["estimate"][chosen], bars[:, chosen], fmt=marker, color=colour,
            **style.BARS,
        )  # fmt: skip
