"""Training and validation loss against training step, for every dataset size."""

import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.curves import total_losses
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings


def draw(settings: FigureSettings, losses: pd.DataFrame) -> Figure:
    """Left: on training strings. Right: on validation strings, the same at every checkpoint."""
    sizes = losses["dataset_size"].unique()
    figure, axes = style.panels(settings, 2, sharey=True)
    for panel, split in zip(axes, ("training", "validation"), strict=True):
        part = total_losses(losses, split)
        for index, (size, colour) in enumerate(
            zip(sizes, style.shades(settings, len(sizes)), strict=True)
        ):
            summary = style.summarise(part[part["dataset_size"] == size], ["step"], value="loss")
            label = str(size)
            style.curve(panel, summary["step"], summary, index, color=colour, label=label)
        log_axes.plain_log_axis(panel, "x", part["step"])
        log_axes.log_axis(panel, "y")
        panel.set(xlabel=style.LABELS["step"], title=f"{split} strings")
    axes[0].set_ylabel("denoising loss (nats per token)")
    style.legend(figure, axes[1], title="$P$")
    style.footnote(figure, losses, style.grammar_label(losses))
    return figure
