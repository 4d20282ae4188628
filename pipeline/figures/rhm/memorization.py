"""Copies and mode collapse over dataset size and training step, and when each begins."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import all_inside, finite_sizes
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings

QUANTITIES = {
    "measurements": (
        "copied_fraction",
        "node_accuracy",
        "coverage",
        "rule_usage_divergence",
        "training_rule_usage_divergence",
    )
}


def draw(
    settings: FigureSettings,
    measurements: pd.DataFrame,
    memorization: pd.DataFrame,
    memorization_exponents: pd.DataFrame,
) -> Figure:
    """Four maps over P and step; below, the times of learning and of copying against P."""
    frame = finite_sizes(measurements)
    figure, axes = style.panels(settings, 2, rows=3, height=0.62)
    _maps(figure, axes[:4], settings, frame)
    _times(axes[4], settings, memorization, frame)
    axes[5].axis("off")
    axes[5].legend(
        *axes[4].get_legend_handles_labels(), loc="center left",
        title=_exponent(memorization_exponents), alignment="left",
    )  # fmt: skip
    shown = "maps: mean; times: geometric mean and 95% t interval"
    style.footnote(figure, frame, style.grammar_label(frame), shown)
    return figure


def _maps(
    figure: Figure, panels: Sequence[Axes], settings: FigureSettings, frame: pd.DataFrame
) -> None:
    top, m = frame["L"].iloc[0], frame["m"].iloc[0]
    steps, sizes = (np.sort(frame[name].unique()) for name in ("step", "dataset_size"))

    def mean(quantity: str, among: str = "all", level: int | None = None) -> pd.DataFrame:
        chosen = (frame["quantity"] == quantity) & (frame["among"] == among)
        chosen &= frame["level"].isna() if level is None else frame["level"] == level
        table = frame[chosen].pivot_table(index="step", columns="dataset_size", values="estimate")
        return table.reindex(index=steps, columns=sizes)

    data = mean("training_rule_usage_divergence", level=top).to_numpy().mean()
    usage = f"rule-usage divergence, level {top} (nats; data: {data:.2g})"
    # The divergence is log m at most; for m = 1, too, its scale needs an end above 0.
    shown = (
        ("fraction of copies", mean("copied_fraction"), 1.0),
        (f"node accuracy, level {top}, novel", mean("node_accuracy", "novel_strings", top), 1.0),
        ("coverage, valid novel strings", mean("coverage", "novel_strings"), 1.0),
        (usage, mean("rule_usage_divergence", level=top), max(np.log(m), 1e-9)),
    )
    for panel, (title, values, highest) in zip(panels, shown, strict=True):
        style.heat_map(figure, panel, settings, values, highest)
        panel.set(title=title, ylabel=style.LABELS["step"])


def _times(panel: Axes, settings: FigureSettings, times: pd.DataFrame, run: pd.DataFrame) -> None:
    levels = np.sort(times["level"].dropna().unique())
    for index, (level, colour) in enumerate(
        zip(levels, style.shades(settings, len(levels)), strict=True)
    ):
        label = f"level {level:.0f} half learnt"
        _curve(panel, times[times["level"] == level], index, color=colour, label=label)
    copying = times[times["quantity"] == "copied_excess"]
    summary = _curve(panel, copying, len(levels), color="C3", label="half the samples are copies")
    if len(summary):
        first, sizes = summary.iloc[0], summary["dataset_size"]
        line = np.exp(first["mean"]) * sizes / first["dataset_size"]
        panel.plot(sizes, line, label=r"$\propto P$", **style.THEORY)
    log_axes.plain_log_axis(panel, "x", run["dataset_size"])
    log_axes.plain_log_axis(panel, "y", run["step"])
    panel.set_xlim(run["dataset_size"].min() / 1.2, run["dataset_size"].max() * 1.2)
    panel.set_ylim(run["step"].min() / 1.2, run["step"].max() * 1.2)
    panel.set(xlabel=style.LABELS["dataset_size"], ylabel=style.LABELS["step"])


def _curve(panel: Axes, times: pd.DataFrame, index: int, **looks: Any) -> pd.DataFrame:
    """Geometric means at the sizes at which all replicas get there within the run.

    The line is broken at sizes where some do not.
    """
    frame = finite_sizes(all_inside(times, ["dataset_size"]))
    logs = frame.assign(log=np.log(frame["threshold"]))
    summary = style.summarise(logs, ["dataset_size"], value="log")
    if summary.empty:
        return summary
    every = np.sort(finite_sizes(times)["dataset_size"].unique())
    whole = summary.set_index("dataset_size").reindex(every).reset_index()
    middle, bars = style.geometric(whole)
    looks = {"marker": style.MARKERS[index], **style.BARS, **looks}
    panel.errorbar(whole["dataset_size"], middle, bars, **looks)
    return summary


def _exponent(exponents: pd.DataFrame) -> str:
    if exponents.empty:
        return r"copying time $\propto P^z$: exponent not resolved"
    row = exponents.iloc[0]
    interval = "" if np.isnan(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    behind = f"{row['dataset_sizes']} sizes, {row['grammars']} grammars"
    return rf"copying time $\propto P^z$, z = {row['estimate']:.2f}{interval}" + f"\n({behind})"
