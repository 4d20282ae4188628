"""Exact token-token correlations of grammars against the closed form of their average."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import GRAMMAR
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings
from pipeline.rhm.grammar.correlations import correlation_law

_DODGE = 0.07
"""Levels between markers of neighbouring settings, which would hide one another."""


def draw(settings: FigureSettings, theory: pd.DataFrame) -> Figure:
    """Left: root mean square by the level where tokens meet. Right: mean square over its law."""
    frame = theory[theory["quantity"] == "squared_correlation"]
    figure, (size, ratio) = style.panels(settings, 2)
    groups = list(grouped(frame, GRAMMAR, sort=False))
    _single_grammars(size, max(groups, key=lambda group: group[1]["L"].iloc[0]))
    for index, (setting, part) in enumerate(groups):
        v, m, s, _ = setting
        law = np.square([correlation_law(v, m, s, int(level)) for level in part["level"]])
        shift = _DODGE * (index - (len(groups) - 1) / 2)
        look = {"color": style.shades(settings, len(groups))[index], "linestyle": "none"}
        _root_mean_square(size, part, index, shift, **look)
        known = part.assign(estimate=part["estimate"] / law)[law > 0]
        summary = style.summarise(known, ["level"])
        name = style.setting_name(setting)
        style.curve(ratio, summary["level"] + shift, summary, index, label=name, **look)
    _label(size, ratio, frame["level"].max())
    size.legend(loc="lower left")
    style.legend(figure, ratio, title=style.SETTING_TITLE, theory="closed form")
    n = frame["grammar_seed"].nunique()
    style.note(figure, f"mean and 95% t interval over n = {n} grammars of each setting")
    return figure


def _single_grammars(panel: Axes, group: tuple[tuple[int, ...], pd.DataFrame]) -> None:
    """A thin line for every grammar of one setting."""
    setting, frame = group
    lines = frame.pivot_table(index="level", columns="grammar_seed", values="estimate")
    thin = panel.plot(np.sqrt(lines), color="0.7", linewidth=0.3, zorder=0)
    thin[0].set_label(f"single grammars, {style.setting_name(setting)}")


def _root_mean_square(
    panel: Axes, frame: pd.DataFrame, index: int, shift: float, **look: Any
) -> None:
    """Root of the mean over grammars, with the roots of the ends of its interval, and the law."""
    summary = style.summarise(frame, ["level"])
    middle, low = np.sqrt(summary["mean"]), np.sqrt((summary["mean"] - summary["error"]).clip(0))
    bars = [middle - low, np.sqrt(summary["mean"] + summary["error"]) - middle]
    marker = style.MARKERS[index % len(style.MARKERS)]
    x = summary["level"] + shift
    panel.errorbar(x, middle, bars, marker=marker, **style.BARS | look)
    v, m, s = (frame[name].iloc[0] for name in ("v", "m", "s"))
    law = [correlation_law(v, m, s, int(level)) for level in summary["level"]]
    panel.plot(summary["level"], law, **style.THEORY | {"color": look["color"]})


def _label(size: Axes, ratio: Axes, levels: int) -> None:
    log_axes.log_axis(size, "y")
    size.set_ylabel("rms correlation (probability)")
    ratio.axhline(1, **style.THEORY)
    ratio.set(ylabel="mean square / closed form", ylim=(0, None))
    for panel in (size, ratio):
        panel.set(xlabel=r"level $\ell$ where tokens meet", xticks=np.arange(1, levels + 1))
