"""Dataset size at which each level is half learnt, against the prediction, over all grammars."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import GRAMMAR, mean_interval
from pipeline.figures import style
from pipeline.tables import SEEDS


def draw(settings: dict, sample_complexity: pd.DataFrame) -> Figure:
    """P*_l against v m**(l+1) / (1 - m / v**(s-1)), with the slope fitted on log scales."""
    frame = sample_complexity[sample_complexity["variable"] == "dataset_size"]
    figure, (panel,) = style.panels(settings, 1, height=1.0)
    colours = style.shades(settings, frame["level"].nunique())
    for index, (level, part) in enumerate(frame.groupby("level")):
        for i, (_, grammar) in enumerate(part.groupby(GRAMMAR)):
            label = f"{level}" if i == 0 else None
            _point(panel, grammar, style.MARKERS[index], colours[index], label)
    if not frame.empty:
        ends = np.array([frame["predicted"].min() / 2, frame["predicted"].max() * 2])
        panel.plot(ends, ends, label="prediction", **style.THEORY)
        panel.legend(title="level", loc="upper left")
    panel.set(xscale="log", yscale="log", xlabel=r"$v\,m^{\ell+1} / (1 - m / v^{s-1})$")
    panel.set_ylabel(r"half-way dataset size $P^*_\ell$ (strings)")
    panel.set_title(_slope(frame), fontsize=8)
    grammars = frame.groupby(GRAMMAR).ngroups
    style.footnote(figure, frame, f"sets of grammar parameters: {grammars}")
    return figure


def _point(panel: Axes, grammar: pd.DataFrame, marker: str, colour: object, label: str) -> None:
    """Geometric mean over replicas; open and without interval if any is out of range."""
    mean, low, high = np.exp(mean_interval(np.log(grammar["threshold"])))
    resolved = (grammar["status"] == "inside").all()
    panel.errorbar(
        grammar["predicted"].iloc[0], mean, [[mean - low], [high - mean]] if resolved else None,
        fmt=marker, color=colour, markerfacecolor=colour if resolved else "none",
        markersize=5, capsize=2, label=label,
    )  # fmt: skip


def _slope(frame: pd.DataFrame) -> str:
    """Slope of log P*_l against that of the prediction, which is one for levels from 2 up.

    Mean and interval over the replicas that have all their thresholds inside the range studied.
    """
    slopes = [
        np.polyfit(np.log(part["predicted"]), np.log(part["threshold"]), 1)[0]
        for _, part in frame[frame["level"] > 1].groupby(SEEDS)
        if part["predicted"].nunique() > 1 and (part["status"] == "inside").all()
    ]
    if not slopes:
        return "slope for levels from 2: not resolved"
    mean, low, high = mean_interval(np.array(slopes))
    return f"slope for levels from 2: {mean:.2f} [{low:.2f}, {high:.2f}], n = {len(slopes)}"
