"""How far features of generated images correlate, against training time, with the calibration."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.groups import grouped
from pipeline.analysis.samples import NETWORK, mean_over_networks, shown_samples
from pipeline.figures import log_axes, style
from pipeline.figures.coherence import (
    draw_calibration,
    draw_intervals,
    draw_lengths,
    draw_ratios,
    lengths_of,
)
from pipeline.figures.settings import OfFeatures

_PIXELS: style.Looks = {"color": "0.6", "linewidth": 0.8, "markersize": 3, "label": "from pixels"}


def draw(settings: OfFeatures, measurements: pd.DataFrame, calibration: pd.DataFrame) -> Figure:
    """Correlations of the first layer with maps, ratios to real ones, lengths, calibration."""
    frame = shown_samples(measurements, settings.average)
    layer = frame.loc[frame["quantity"] == "correlation_ratio", "layer"].min()
    maps, controls = (table[table["layer"] == layer] for table in (frame, calibration))
    real = controls[controls["control"] == "real"]
    figure, axes = style.panels(settings, 2, rows=2)
    _correlations(axes[0], settings, maps, real)
    draw_ratios(axes[1], settings, maps, real)
    axes[1].set_xlabel(style.LABELS["pixels"])
    draw_lengths(axes[2], settings, maps, real, "pixels")
    draw_calibration(axes[3], controls, "pixels")
    _pixels(axes[2:], frame[frame["layer"].isna()], calibration[calibration["layer"].isna()])
    style.legend(figure, axes[0], title="step")
    shown = f"layer {layer:.0f} of {settings.encoder}", f"{style.IMAGE_BARS}; arrow: at least"
    style.samples_footnote(figure, frame, *shown, style.weights(settings))
    return figure


def _correlations(
    panel: Axes, settings: OfFeatures, frame: pd.DataFrame, real: pd.DataFrame
) -> None:
    for part, looks in style.by_step(settings, frame):
        summary = _correlation(part)
        panel.errorbar(
            summary["distance"], summary["mean"], summary["error"], **looks, **style.BARS
        )
    summary = _correlation(real)
    panel.errorbar(
        summary["distance"], summary["mean"], summary["error"], label="real", **style.THEORY
    )
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    log_axes.plain_log_axis(panel, "x", summary["distance"])
    panel.set(xlabel=style.LABELS["pixels"], ylabel="correlation over real variance")


def _correlation(frame: pd.DataFrame) -> pd.DataFrame:
    """Correlations but for distance 0, which noise makes too large for the others to be read."""
    chosen = (frame["quantity"] == "feature_correlation") & (frame["distance"] > 0)
    return mean_over_networks(frame[chosen], ["distance"])


def _pixels(panels: Sequence[Axes], frame: pd.DataFrame, controls: pd.DataFrame) -> None:
    """Lengths from pixels, thin, beside those from features."""
    lengths = lengths_of(frame)
    for index, (_, network) in enumerate(grouped(lengths, NETWORK, dropna=False)):
        curve = network.sort_values("step")
        looks = _PIXELS | {"label": None if index else "from pixels"}
        panels[0].plot(curve["step"], curve["estimate"], ":", zorder=1, **looks)
    [real] = lengths_of(controls[controls["control"] == "real"])["estimate"]
    panels[0].axhline(real, color="0.6", linewidth=0.8, linestyle=":", zorder=1)
    panels[0].set_ylim(top=max(panels[0].get_ylim()[1], 1.2 * lengths["estimate"].max()))
    known = lengths_of(controls[controls["control"] == "blocks"])
    draw_intervals(panels[1], known["block_length"] * 1.08, known, fmt="s", **_PIXELS)
    for panel in panels:
        panel.legend(loc="upper left")
