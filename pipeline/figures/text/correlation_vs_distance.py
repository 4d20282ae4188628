"""Token-token correlations of generated text against distance, as training goes on."""

import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.samples import mean_over_networks, shown_samples, square_root
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfSamples


def draw(settings: OfSamples, measurements: pd.DataFrame, calibration: pd.DataFrame) -> Figure:
    """C(t), root of the debiased sum over token pairs of squared excess probabilities."""
    frame = shown_samples(measurements, settings.average)
    figure, (panel,) = style.panels(settings, 1)
    for part, looks in style.by_step(settings, frame):
        summary = _correlations(part)
        panel.errorbar(
            summary["distance"], summary["mean"], [summary["down"], summary["up"]],
            **looks, **style.BARS,
        )  # fmt: skip
    real = _correlations(calibration[calibration["block_length"].isna()])
    panel.plot(real["distance"], real["mean"], label="real text", **style.THEORY)
    panel.fill_between(
        real["distance"], real["mean"] - real["down"], real["mean"] + real["up"],
        color="0.35", alpha=0.2, linewidth=0,
    )  # fmt: skip
    log_axes.plain_log_axis(panel, "x", frame["distance"].dropna())
    log_axes.log_axis(panel, "y")
    panel.set_xlabel(style.LABELS["distance"])
    panel.set_ylabel("correlation $C(t)$")
    style.legend(figure, panel, title="step")
    style.samples_footnote(
        figure, frame, "bars: 95% over samples of one network; zero within them: left out"
    )
    return figure


def _correlations(frame: pd.DataFrame) -> pd.DataFrame:
    """Root of what is above zero with all of its 95 % interval."""
    chosen = frame[frame["quantity"] == "squared_correlation"]
    summary = mean_over_networks(chosen, ["distance"])
    return square_root(summary[summary["mean"] > summary["error"]])
