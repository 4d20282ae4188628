"""Dataset size at which each level is half learnt, against the prediction, over all grammars."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import GRAMMAR, mean_interval
from pipeline.figures import style
from pipeline.tables import SEEDS


def draw(
    settings: dict, sample_complexity: pd.DataFrame, exponents: pd.DataFrame, laws: pd.DataFrame
) -> Figure:
    """P*_l against v m**(l+1) / (1 - m / v**(s-1)), and errors of the competing laws."""
    frame = sample_complexity[sample_complexity["variable"] == "dataset_size"]
    figure, (panel, errors) = style.panels(settings, 2, height=1.0, width_ratios=(3, 2))
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
    panel.set_title(_slope(exponents), fontsize=8)
    _law_errors(errors, settings, laws[laws["held_out"] == "grammar"])
    n = frame[SEEDS].drop_duplicates()
    shown = f"geometric mean and 95% t interval over n = {len(n)} replicas"
    parameters = f"of each of {frame.groupby(GRAMMAR).ngroups} sets of grammar parameters"
    style.note(figure, _numbers(exponents, f"{shown} {parameters}"))
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


def _law_errors(panel: Axes, settings: dict, laws: pd.DataFrame) -> None:
    """Held-out error of every law in decades, with and without the factor of the prediction."""
    panel.set(xlabel="held-out error (decades)", title="laws, constant fitted to other grammars")
    panel.title.set_fontsize(8)
    if laws.empty:
        panel.set(title="no grammar to hold out", yticks=[])
        return
    powers = [law[2:].strip("()").replace("l", r"\ell") for law in laws["law"].unique()]
    names = [rf"$v\,m^{{{power}}}$" for power in powers]
    for shift, factor in ((-0.2, True), (0.2, False)):
        part = laws[laws["factor"] == factor]
        bounds = [part["error"] - part["error_low"], part["error_high"] - part["error"]]
        panel.barh(
            np.arange(len(part)) + shift, part["error"], 0.36, xerr=np.array(bounds, dtype=float),
            color=style.shades(settings, 3)[1 if factor else 2],
            error_kw={"capsize": 2, "linewidth": 0.8},
            label=r"with $1 / (1 - m / v^{s-1})$" if factor else "without it",
        )  # fmt: skip
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -1.2)  # downwards, with room for the legend
    panel.legend(loc="upper right")


def _slope(exponents: pd.DataFrame) -> str:
    """Slope of log P*_l against that of the prediction, which is one for levels from 2 up."""
    rows = exponents[exponents["quantity"] == "law_exponent"]
    if rows.empty:
        return "slope for levels from 2: not resolved"
    return (
        f"slope for levels from 2: {_interval(rows.iloc[0])}, {rows['grammars'].iloc[0]} grammars"
    )


def _numbers(exponents: pd.DataFrame, settings: str) -> str:
    """The exponents of m and v, where the sets of parameters determine them."""
    lines = []
    for name in ("m", "v"):
        rows = exponents[exponents["quantity"] == f"{name}_exponent"]
        rows = rows.dropna(subset="prediction").itertuples()
        found = [f"{_interval(row)} at level {row.level:.0f}" for row in rows]
        lines += [f"exponent of {name}: {', '.join(found)}"] if found else []
    return "; ".join([*lines, settings])


def _interval(row: pd.Series) -> str:
    known = np.isfinite([row.low, row.high]).all()
    bounds = f"{row.low:.2f}, {row.high:.2f}" if known else "no interval"
    return f"{row.estimate:.2f} [{bounds}]"
