"""How much every block's output changes by a synonym, relative to a tuple of another symbol."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import at_best_checkpoint, finite_sizes, predicted_size
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings


def draw(settings: FigureSettings, probes: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """One panel a level of the exchanged tuple, one curve a block, against dataset size."""
    frame = probes[probes["quantity"] == "synonym_sensitivity"]
    if frame.empty:
        return _nothing_exchanged(settings, probes)
    best = finite_sizes(at_best_checkpoint(frame, losses))
    figure, axes = style.panels(settings, best["level"].nunique(), sharey=True)
    for panel, (level, part) in zip(axes, grouped(best, "level"), strict=True):
        _blocks(panel, settings, part)
        _prediction(panel, part, int(level))
        log_axes.plain_log_axis(panel, "x", part["dataset_size"], 4)
        panel.set(xlabel=style.LABELS["dataset_size"], ylim=(0, None))
        panel.set_title(f"tuples of level-{level:.0f} symbols")
    axes[0].set_ylabel("relative change by synonyms")
    style.legend(figure, axes[0], title="block", theory=r"law, $P^*_{\ell+1}$")
    label = f"{style.grammar_label(best)}; clean strings; checkpoint of lowest validation loss"
    style.footnote(figure, best, label)
    return figure


def _nothing_exchanged(settings: FigureSettings, probes: pd.DataFrame) -> Figure:
    """With m = 1 no tuple has a synonym to be exchanged with, so no block has a row."""
    figure, (panel,) = style.panels(settings, 1)
    panel.set_title("no synonyms")
    style.note(figure, style.grammar_label(probes))
    return figure


def _blocks(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    """Blocks down are filled and drawn through, blocks up open and dotted."""
    for depth in range(1, int(frame["L"].iloc[0]) + 1):
        colour = style.shades(settings, int(frame["L"].iloc[0]))[depth - 1]
        for side, look in (("down", {}), ("up", {"linestyle": ":", "markerfacecolor": "w"})):
            part = frame[frame["block"] == f"{side}{depth}"]
            summary = style.summarise(part, ["dataset_size"])
            shown = {"color": colour, "label": f"{side} {depth}"} | look
            style.curve(panel, summary["dataset_size"], summary, depth - 1, **shown)


def _prediction(panel: Axes, frame: pd.DataFrame, level: int) -> None:
    """Dashed: where level + 1 is predicted to be learnt, which takes the synonyms of this level."""
    v, m, s, L = (int(frame[name].iloc[0]) for name in ("v", "m", "s", "L"))
    if level < L:
        panel.axvline(predicted_size(v, m, s, level + 1), **style.THEORY)
