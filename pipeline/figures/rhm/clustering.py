"""Classes that clustering finds in training sets, and how much networks on the same sets know."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.analysis.curves import GRAMMAR, at_best_checkpoint, finite_sizes, predicted_size
from pipeline.analysis.groups import grouped
from pipeline.analysis.settings import Shown
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfAnalysis

_LINE: style.Looks = {"linewidth": 0.8, "elinewidth": 0.6, "capsize": 0, "markersize": 3.5}
_NETWORK = _LINE | {"linestyle": "none", "markerfacecolor": "w", "markersize": 5}

QUANTITIES = {
    "theory": ("class_accuracy", "tuple_coverage"),
    "measurements": style.ACCURACIES,
}

Scale: TypeAlias = Callable[[int, int, int, int], float]
"""From v, m, s and the level of rules to the dataset size that is the unit of an axis."""

_COVERED = 30
"""Right end of the third panel: beyond it, every tuple has been seen."""


def draw(
    settings: OfAnalysis, theory: pd.DataFrame, measurements: pd.DataFrame, losses: pd.DataFrame
) -> Figure:
    """Class accuracy against P and against P / P*, and coverage; colours are rule levels."""
    clusters = _of_rules(theory, "class_accuracy", 1)  # classes of level l serve rules of l + 1
    coverage = _of_rules(theory, "tuple_coverage", 0)
    networks = _networks(settings.analysis, measurements, losses)
    figure, (raw, collapsed, covered) = style.panels(settings, 3, height=1.2, sharey=True)
    every = pd.concat([clusters, coverage, networks])
    look = _Look(settings, every)
    look.curves(raw, clusters, lambda *_: 1.0)
    look.curves(collapsed, clusters, _law)
    look.curves(collapsed, networks[networks["level"] > 1], _law, **_NETWORK)
    look.curves(covered, coverage, _collector)
    look.curves(covered, networks[networks["level"] == 1], _collector, **_NETWORK)
    for setting, part in grouped(coverage, GRAMMAR):
        _expected_coverage(covered, setting, part["dataset_size"])
    _label(raw, collapsed, covered)
    look.legend(figure)
    _state_numbers(figure, clusters, networks)
    return figure


class _Look:
    """Colours by rule level, markers by grammar parameters, the same in all panels."""

    def __init__(self, settings: OfAnalysis, frame: pd.DataFrame) -> None:
        levels = sorted(int(level) for level in frame["level"].unique())
        self.colours = dict(zip(levels, style.shades(settings, len(levels)), strict=True))
        self.settings = list(frame[GRAMMAR].drop_duplicates().itertuples(index=False, name=None))

    def curves(self, panel: Axes, frame: pd.DataFrame, scale: Scale, **look: Any) -> None:
        """Mean over replicas against dataset size over `scale(v, m, s, level)`."""
        for (*setting, level), part in grouped(frame, [*GRAMMAR, "level"]):
            v, m, s, _ = setting
            unit = scale(v, m, s, int(level))
            if not np.isfinite(unit):  # every tuple is valid: there are no classes to be told apart
                continue
            summary = style.summarise(part, ["dataset_size"])
            shown = _LINE | {"color": self.colours[level]} | look
            index = self.settings.index(tuple(setting))
            style.curve(panel, summary["dataset_size"] / unit, summary, index, **shown)

    def legend(self, figure: Figure) -> None:
        """Say above the panels what colours, markers and fillings mean."""
        handles = [
            _symbol(style.MARKERS[index], style.setting_name(setting), "0.35")
            for index, setting in enumerate(self.settings)
        ]
        handles += [
            Line2D([], [], color=colour, label=f"rule level {level}")
            for level, colour in self.colours.items()
        ]
        handles += [_symbol("o", "clustering, coverage", "0.35"), _symbol("o", "network", "w")]
        handles.append(Line2D([], [], label="prediction", **style.THEORY))
        title = f"markers: {style.SETTING_TITLE}; colours: level of the rules"
        figure.legend(handles=handles, title=title, loc="outside upper center", ncols=5)


def _symbol(marker: str, label: str, face: str) -> Line2D:
    look: style.Looks = {"linestyle": "none", "markersize": 4, "color": "0.35"}
    return Line2D([], [], marker=marker, label=label, markerfacecolor=face, **look)


def _of_rules(theory: pd.DataFrame, quantity: str, above: int) -> pd.DataFrame:
    """Rows of a quantity by the level of the rules that it serves."""
    frame = finite_sizes(theory[theory["quantity"] == quantity])
    return frame.assign(level=frame["level"] + above)


def _networks(analysis: Shown, measurements: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """The accuracy of samples that the config chose, at finite sizes."""
    best = at_best_checkpoint(measurements, losses)
    chosen = (best["quantity"] == analysis.accuracy) & (best["among"] == analysis.among)
    return finite_sizes(best[chosen])


def _law(v: int, m: int, s: int, level: int) -> float:
    return predicted_size(v, m, s, level)


def _collector(v: int, m: int, _s: int, _level: int) -> float:
    """About how many strings show all v m tuples, at one tuple a string (coupon collector)."""
    return v * m * np.log(v * m)


def _expected_coverage(panel: Axes, setting: tuple[int, ...], sizes: pd.Series) -> None:
    """Fraction of v m tuples among P s**(L - 1) draws, if all were equally likely."""
    v, m, s, L = setting
    P = np.geomspace(sizes.min(), sizes.max(), 100)
    seen = 1 - (1 - 1 / (v * m)) ** (P * s ** (L - 1))
    panel.plot(P / _collector(v, m, s, 1), seen, **style.THEORY | {"linewidth": 0.7})


def _label(raw: Axes, collapsed: Axes, covered: Axes) -> None:
    raw.set(xlabel=style.LABELS["dataset_size"], ylabel="class accuracy", ylim=(-0.03, 1.03))
    raw.set_title(r"(a) classes for rules of level $\ell \geq 2$")
    collapsed.set(xlabel=r"$P\,(1 - m / v^{s-1})\,/\,(v\,m^{\ell+1})$")
    collapsed.set(ylabel="class or network accuracy", title="(b) rescaled, and networks")
    collapsed.axvline(1, **style.THEORY)
    covered.set(xlabel=r"$P\,/\,(v\,m\,\ln (v\,m))$", title="(c) tuples seen, networks, level 1")
    covered.set_ylabel("tuples seen or accuracy")
    covered.set_xscale("log")  # before its limit, which would keep the left end of a linear axis
    covered.set_xlim(right=min(covered.get_xlim()[1], _COVERED))
    for panel in (raw, collapsed, covered):
        log_axes.log_axis(panel, "x")


def _state_numbers(figure: Figure, clusters: pd.DataFrame, networks: pd.DataFrame) -> None:
    n = clusters["grammar_seed"].nunique()
    trained = networks["grammar_seed"].nunique()
    style.note(
        figure,
        f"mean and 95% t interval; clustering: n = {n} grammars of each setting",
        f"networks: n = {trained} grammars, checkpoint of lowest validation loss",
    )
