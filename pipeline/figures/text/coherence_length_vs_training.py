"""How far generated text is coherent, against training time, with the estimator's calibration."""

import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.samples import largest_training_set, shown_samples
from pipeline.figures import style
from pipeline.figures.coherence import draw_calibration, draw_lengths, draw_ratios
from pipeline.figures.settings import OfSamples


def draw(settings: OfSamples, measurements: pd.DataFrame, calibration: pd.DataFrame) -> Figure:
    """Correlation ratios, the equivalent block length in training time, and its calibration."""
    frame, real = (
        shown_samples(measurements, settings.average),
        calibration["block_length"].isna(),
    )
    figure, axes = style.panels(settings, 3, height=1.1)
    draw_ratios(axes[0], settings, frame, calibration[real])
    axes[0].set(xlabel=style.LABELS["distance"], ylim=(-0.4, 1.9))
    style.legend(figure, axes[0], title="step")
    draw_lengths(axes[1], settings, largest_training_set(measurements), calibration[real], "tokens")
    draw_calibration(axes[2], calibration, "tokens")
    shown = f"{style.weights(settings)} (middle, dotted: the other weights that were sampled)"
    bars = "bars: 95% over samples of one network; arrow: at least"
    style.samples_footnote(figure, frame, shown, bars)
    return figure
