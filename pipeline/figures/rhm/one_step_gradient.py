"""How alike one gradient step makes synonymous and other tuples, against dataset size."""

from typing import TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import GRAMMAR, finite_sizes, predicted_size
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings

_SYNONYMS, _OTHER = "synonym_update_similarity", "other_update_similarity"

_Numbers = TypeVar("_Numbers", np.ndarray, pd.Series)


def draw(settings: FigureSettings, theory: pd.DataFrame) -> Figure:
    """Centred cosines of first-layer updates against P / P*, P* = v m**3 / (1 - m / v**(s-1))."""
    frame = finite_sizes(theory[theory["quantity"].isin([_SYNONYMS, _OTHER])])
    frame = frame[np.isfinite(_needed(frame))]  # else tuples tell nothing of their contexts
    figure, (synonyms, other) = style.panels(settings, 2)
    for panel, quantity in ((synonyms, _SYNONYMS), (other, _OTHER)):
        _similarities(panel, settings, frame[frame["quantity"] == quantity])
        log_axes.log_axis(panel, "x")
        panel.set(xlabel=r"$P / P^*,\ P^* = v\,m^3 / (1 - m / v^{s-1})$")
    ratio = np.geomspace(*synonyms.get_xlim(), 200)
    (law,) = synonyms.plot(ratio, _law(ratio), label=r"$1 / (1 + P^* / P)$", **style.THEORY)
    synonyms.legend(handles=[law], loc="upper left")
    synonyms.set(title="synonyms", ylabel="cosine of updates")
    other.set(title="other tuples", ylabel="cosine of updates")
    style.legend(figure, other, title=style.SETTING_TITLE, theory="limit, by $v$")
    n = frame["grammar_seed"].nunique()
    style.note(figure, f"mean and 95% t interval over n = {n} grammars of each setting")
    return figure


def _similarities(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    """Mean over grammars by setting; for tuples of other symbols with their own limit."""
    groups = list(grouped(frame, GRAMMAR, sort=False))
    for index, (setting, part) in enumerate(groups):
        summary = style.summarise(part, ["dataset_size"])
        v, m, s, _ = setting
        ratio = summary["dataset_size"] / predicted_size(v, m, s, 2)
        colour, name = style.shades(settings, len(groups))[index], style.setting_name(setting)
        style.curve(panel, ratio, summary, index, color=colour, label=name, linewidth=0.7)
        if part["quantity"].iloc[0] == _OTHER:
            # The updates of v symbols add up to zero: hence -1 / (v - 1) where all are alike.
            panel.plot(ratio, -_law(ratio) / (v - 1), **style.THEORY | {"color": colour})


def _law(ratio: _Numbers) -> _Numbers:
    """Signal over signal and noise, where noise is P* / P times the signal."""
    return 1 / (1 + 1 / ratio)


def _needed(frame: pd.DataFrame) -> np.ndarray:
    shapes = frame[["v", "m", "s"]].itertuples(index=False, name=None)
    return np.array([predicted_size(v, m, s, 2) for v, m, s in shapes])
