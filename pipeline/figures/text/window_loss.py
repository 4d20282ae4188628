"""What networks lose on masked windows of held-out text, by the length of the window."""

import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.samples import largest_training_set, mean_over_networks
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfSamples


def draw(settings: OfSamples, probes: pd.DataFrame) -> Figure:
    """Loss per token of every checkpoint against the length of the window."""
    frame = largest_training_set(probes)
    figure, (panel,) = style.panels(settings, 1)
    for part, looks in style.by_step(settings, frame):
        summary = mean_over_networks(part, ["window"])
        panel.errorbar(summary["window"], summary["mean"], summary["error"], **looks, **style.BARS)
    log_axes.plain_log_axis(panel, "x", frame["window"])
    panel.set(xlabel="length $n$ of the window (tokens)", ylabel="loss (nats per token)")
    style.legend(figure, panel, title="step")
    networks = len(frame[["data_seed", "network_seed"]].drop_duplicates())
    style.note(
        figure,
        f"{frame['setting'].iloc[0]}; raw weights, n = {networks} networks",
        f"bars: 95% over {int(frame['count'].min())} held-out blocks, for one network",
    )
    return figure
