"""Power spectrum of the pixels of generated images as training goes on, free of any encoder."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.samples import mean_over_networks, shown_samples
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfFeatures


def draw(settings: OfFeatures, measurements: pd.DataFrame, calibration: pd.DataFrame) -> Figure:
    """Power against frequency, and over that of real images."""
    frame = shown_samples(measurements, settings.average)
    real = _powers(calibration[calibration["control"] == "real"])
    figure, axes = style.panels(settings, 2)
    units: tuple[float | pd.Series, ...] = (1.0, real["mean"])
    for unit, panel in zip(units, axes, strict=True):
        for part, looks in style.by_step(settings, frame):
            powers = _powers(part)
            mean, error = powers["mean"] / unit, powers["error"] / unit
            panel.errorbar(powers.index, mean, error, **looks, **style.BARS)
        low, high = (real["mean"] + sign * real["error"] for sign in (-1, 1))
        panel.plot(real.index, real["mean"] / unit, label="real", **style.THEORY)
        panel.fill_between(real.index, low / unit, high / unit, color="0.35", alpha=0.2, lw=0)
        log_axes.plain_log_axis(panel, "x", 2.0 ** np.arange(len(real).bit_length()))
        log_axes.log_axis(panel, "y")
        panel.set_xlabel(style.LABELS["frequency"])
    axes[0].set_ylabel("power")
    axes[1].set_ylabel("power, relative to real")
    style.legend(figure, axes[1], title="step")
    style.samples_footnote(figure, frame, style.IMAGE_BARS, style.weights(settings))
    return figure


def _powers(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over networks and its error, by frequency."""
    return mean_over_networks(frame[frame["quantity"] == "power"], ["frequency"]).set_index(
        "frequency"
    )
