"""The run of the released code's notebook: ours against that code's own, at the same width.

A run of the notebook's width is compared with the notebook. A run of any other width is compared
with that code's own runs, which all have one width.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import GRAMMAR, difference_interval, total_losses
from pipeline.base.errors import PipelineError
from pipeline.figures import log_axes, style
from pipeline.figures.settings import BesideReferences

QUANTITIES = {"measurements": ("node_accuracy", "copied_fraction")}
_CELL = [*GRAMMAR, "dataset_size"]
_FIRST_COMPARED = 256
"""Epoch from which on the two are compared: before it, hardly anything is learnt."""
_SPLITS = ("training", "test")


def draw(
    settings: BesideReferences,
    measurements: pd.DataFrame,
    losses: pd.DataFrame,
    released_code: pd.DataFrame,
) -> Figure:
    """Valid nodes, copies and losses against epoch, and the differences with intervals."""
    ours = _like(released_code, _curves(measurements, losses))
    notebook = released_code["data_seed"].isna()
    theirs, published = released_code[~notebook], released_code[notebook]
    figure, axes = style.panels(settings, 2, rows=2)
    for panel, names in zip(axes, _groups(ours), strict=False):
        _panel(panel, settings, names, ours, theirs, published)
    axes[0].set(ylabel="fraction of valid nodes", ylim=(-0.03, 1.03))
    axes[1].set(ylabel="fraction of copies", ylim=(-0.03, None))
    log_axes.log_axis(axes[2], "y")
    axes[2].set(ylabel="KL of a reverse step (nats per token)")
    widths = [int(frame["width"].iloc[0]) for frame in (theirs, published)]
    of_notebook = settings.width == widths[1]
    covered, points = _differences(axes[3], settings, ours, published if of_notebook else theirs)
    compared = "notebook" if of_notebook else "released code"
    axes[3].set_ylabel(f"ours less the {compared}'s")
    replicas = [len(frame[["grammar_seed"]].drop_duplicates()) for frame in (ours, theirs)]
    style.note(
        figure,
        f"{style.grammar_label(ours)}, P={ours['dataset_size'].iloc[0]}",
        f"filled: ours at width {settings.width}, mean and 95% t interval over "
        f"n = {replicas[0]} replicas, each of a grammar",
        f"open circles: the released code at width {widths[0]}, likewise over n = {replicas[1]}",
        f"squares: its notebook, one run at width {widths[1]}",
        f"{covered} of {points} intervals of differences cover 0",
    )
    return figure


def _curves(measurements: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """Our rows of the quantities compared, with losses as quantities of their own."""
    measured = measurements[measurements["among"].isin(["all"]) | measurements["level"].isna()]
    taken = [
        total_losses(losses, split)
        .rename(columns={"loss": "estimate"})
        .assign(quantity=f"{split}_loss")
        for split in _SPLITS
    ]
    return pd.concat([measured, *taken], ignore_index=True)


def _like(reference: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the cell and the steps that the reference has, with its epochs.

    Raises:
        PipelineError: there are none.
    """
    steps = reference[[*_CELL, "step", "epoch"]].drop_duplicates()
    rows = frame.merge(steps, on=[*_CELL, "step"])
    if rows.empty:
        wanted = ", ".join(f"{name} = {reference[name].iloc[0]}" for name in _CELL)
        raise PipelineError(
            f"figures: 'rhm_released_run' needs a cell with {wanted}; run it with preset=released"
        )
    return rows


def _groups(frame: pd.DataFrame) -> Iterator[list[tuple[str, float]]]:
    """Quantity and level of the curves of each panel; level is NaN where there is none."""
    levels = sorted(frame["level"].dropna().unique())
    yield [("node_accuracy", level) for level in levels]
    yield [("copied_fraction", np.nan)]
    yield [(f"{split}_loss", np.nan) for split in _SPLITS]


def _label(quantity: str, level: float) -> str:
    return f"level {level:.0f}" if quantity == "node_accuracy" else quantity.replace("_", " ")


def _chosen(frame: pd.DataFrame, quantity: str, level: float) -> pd.DataFrame:
    at_level = frame["level"].isna() if np.isnan(level) else frame["level"] == level
    return frame[(frame["quantity"] == quantity) & at_level]


def _panel(
    panel: Axes, settings: BesideReferences, names: list[tuple[str, float]], ours: pd.DataFrame,
    theirs: pd.DataFrame, published: pd.DataFrame,
) -> None:  # fmt: skip
    colours = style.shades(settings, len(names))
    for index, ((quantity, level), colour) in enumerate(zip(names, colours, strict=True)):
        look = {"color": colour, "marker": style.MARKERS[0]}
        summary = style.summarise(_chosen(ours, quantity, level), ["epoch"])
        label = _label(quantity, level)
        style.curve(panel, summary["epoch"], summary, index, label=label, **look)
        summary = style.summarise(_chosen(theirs, quantity, level), ["epoch"])
        beside = summary["epoch"] * 1.12  # so that bars of both can be told apart
        style.curve(panel, beside, summary, index, markerfacecolor="none", linestyle="", **look)
        points = _chosen(published, quantity, level)
        panel.plot(
            points["epoch"], points["estimate"], color=colour, alpha=0.6,
            marker="s", markersize=4, linestyle="", markerfacecolor="none",
        )  # fmt: skip
    log_axes.log_axis(panel, "x")
    panel.set_xlabel("epoch")
    panel.legend()


def _differences(
    panel: Axes, settings: BesideReferences, ours: pd.DataFrame, theirs: pd.DataFrame
) -> tuple[int, int]:
    """Draw ours less theirs; how many of the intervals cover zero, and how many there are."""
    names = [name for group in list(_groups(ours))[:2] for name in group]
    covered = points = 0
    for index, ((quantity, level), colour) in enumerate(
        zip(names, style.shades(settings, len(names)), strict=True)
    ):
        found = differences(_chosen(ours, quantity, level), _chosen(theirs, quantity, level))
        covered += int(((found["low"] <= 0) & (found["high"] >= 0)).sum())
        points += len(found)
        bars = [found["difference"] - found["low"], found["high"] - found["difference"]]
        x = found["epoch"] * 1.08**index
        look: style.Looks = {"color": colour, "marker": style.MARKERS[index], "linestyle": ""}
        panel.errorbar(
            x, found["difference"], bars, label=_label(quantity, level), **style.BARS, **look
        )
    panel.axhline(0, **style.THEORY)
    if points:  # of a run that was stopped early, there may be none yet
        log_axes.log_axis(panel, "x")
    panel.set_xlabel("epoch")
    low, high = panel.get_ylim()
    panel.set_ylim(low, high + 0.2 * (high - low))  # room for the legend
    panel.legend(ncols=2)
    return covered, points


def differences(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Difference of means and its 95 % interval at every epoch from 256 on that both have."""
    both = sorted(set(ours["epoch"]) & set(theirs["epoch"]))
    rows = [
        (epoch, *difference_interval(*(f["estimate"][f["epoch"] == epoch] for f in (ours, theirs))))
        for epoch in both
        if epoch >= _FIRST_COMPARED
    ]
    return pd.DataFrame(rows, columns=["epoch", "difference", "low", "high"])
