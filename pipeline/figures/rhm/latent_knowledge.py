"""How far the latent symbols that a network's tokens imply are from what can be known of them."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import at_best_checkpoint, finite_sizes
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings


def draw(settings: FigureSettings, probes: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """Divergence at every level against dataset size, and against training step online."""
    best = finite_sizes(at_best_checkpoint(probes, losses))
    online = probes[probes["dataset_size"] == "online"]
    figure, axes = style.panels(settings, 2, sharey=True)
    for panel, frame, variable in zip(axes, (best, online), ("dataset_size", "step"), strict=True):
        _levels(panel, settings, frame, variable)
        log_axes.plain_log_axis(panel, "x", frame[variable])
        panel.set_xlabel(style.LABELS[variable])
    log_axes.log_axis(axes[0], "y")
    axes[0].set_ylabel("KL of latents (nats per node)")
    style.legend(figure, axes[0], title="level", theory="exact tokens")
    label = f"{style.grammar_label(probes)}; left: checkpoint of lowest validation loss"
    style.footnote(figure, probes, label)
    return figure


def _levels(panel: Axes, settings: FigureSettings, frame: pd.DataFrame, variable: str) -> None:
    """Networks with intervals; dashed in the same colour, what exact token marginals leave."""
    colours = style.shades(settings, frame["level"].nunique())
    implied = frame[frame["quantity"] == "latent_divergence"]
    floors = frame[frame["quantity"] == "latent_divergence_floor"]
    for index, (level, part) in enumerate(grouped(implied, "level")):
        summary = style.summarise(part, [variable])
        label = f"{level:.0f}" if level else "0 (tokens)"
        style.curve(panel, summary[variable], summary, index, color=colours[index], label=label)
        floor = floors["estimate"][floors["level"] == level].mean()
        if level > 0:  # for tokens it is zero
            panel.axhline(floor, **style.THEORY | {"color": colours[index]})
