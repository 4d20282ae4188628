"""The common look: seaborn ticks, levels told apart by shade and marker, theory dashed."""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pipeline.analysis.curves import GRAMMAR, mean_interval
from pipeline.tables import SEEDS

MARKERS = "os^Dv<>p*h"
SETTING_TITLE = "v, m, s, L"
THEORY = {"linestyle": "--", "color": "0.35", "linewidth": 1.0}
BARS = {"capsize": 1.5, "markersize": 3, "linewidth": 0.8}
IMAGE_BARS = "bars: 95% over samples of one network"
ACCURACIES = ("node_accuracy", "string_accuracy", "conditional_accuracy")
"""Quantities of which the config chooses one."""
LABELS = {
    "dataset_size": "dataset size $P$ (strings)",
    "step": "training step",
    "distance": "distance $t$ (tokens)",
    "pixels": "distance $r$ (pixels)",
    "frequency": "frequency (cycles per image)",
    "node_accuracy": "node accuracy $A_\\ell$",
    "string_accuracy": "string accuracy",
    "conditional_accuracy": "conditional accuracy",
    "all": "all samples",
    "novel_strings": "novel strings",
    "novel_subtrees": "novel subtrees",
}


def panels(
    settings: dict, columns: int, height: float = 0.8, rows: int = 1, **kwargs: object
) -> tuple:
    """Figure and axes, row by row in one list, each `style.width` inches wide."""
    small = {"legend.frameon": False, "legend.fontsize": 7, "legend.title_fontsize": 7}
    sns.set_theme(context="paper", style="ticks", rc=small)
    width = settings["style"]["width"]
    size = (width * columns, width * height * rows)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, layout="constrained", squeeze=False, **kwargs
    )
    return figure, axes.ravel()


def shades(settings: dict, count: int) -> list:
    """`count` colours from dark to light, without the lightest end."""
    palette = sns.color_palette(settings["style"]["palette"], n_colors=256)
    return [palette[int(i)] for i in np.linspace(0, 205, max(count, 2))][:count]


def by_step(settings: dict, frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, dict]]:
    """Rows of every checkpoint in order, with the colour, marker and label of their curve."""
    steps = sorted(frame["step"].unique())
    for index, (step, colour) in enumerate(zip(steps, shades(settings, len(steps)), strict=True)):
        marker = MARKERS[index % len(MARKERS)]
        yield frame[frame["step"] == step], {"color": colour, "marker": marker, "label": f"{step}"}


def spread(values: np.ndarray, count: int) -> list:
    """Up to `count` of the values, evenly spread over their order."""
    values = np.sort(values)
    places = np.linspace(0, len(values) - 1, min(count, len(values)))
    return values[places.round().astype(int)].tolist()


def summarise(frame: pd.DataFrame, by: Sequence[str], value: str = "estimate") -> pd.DataFrame:
    """Mean over replicas and half-width of its 95 % t interval, one row per group."""
    groups = frame.dropna(subset=[value]).groupby(list(by))[value]
    rows = [(*_as_tuple(key), *mean_interval(values.to_numpy())) for key, values in groups]
    table = pd.DataFrame(rows, columns=[*by, "mean", "low", "high"])
    return table.assign(error=((table["high"] - table["low"]) / 2).fillna(0))


def curve(axes: Axes, x: pd.Series, summary: pd.DataFrame, index: int, **style: object) -> None:
    """Mean with error bars; `index` picks the marker."""
    style = {"marker": MARKERS[index % len(MARKERS)], "markersize": 4, "capsize": 2} | style
    axes.errorbar(x, summary["mean"], summary["error"], **style)


def plain_log_axis(axes: Axes, which: str, values: Sequence[float]) -> None:
    """Make an axis logarithmic with plain numbers at up to six of the values."""
    shown = spread(np.unique(values), 6)
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    axis.set_major_locator(FixedLocator(shown))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def heat_map(
    axes: Axes, settings: dict, values: pd.DataFrame, highest: float = 1, **style: object
) -> None:
    """Values by step, upwards, and dataset size, written in the cells; undefined ones are grey."""
    sns.heatmap(
        values.iloc[::-1], ax=axes, vmin=0, vmax=highest, cmap=settings["style"]["palette"],
        annot=True, fmt=".2f", annot_kws={"size": 5}, cbar=False, **style,
    )  # fmt: skip
    axes.set(facecolor="0.85", xlabel=LABELS["dataset_size"], ylabel="")
    axes.tick_params(labelsize=6)
    axes.tick_params(axis="y", rotation=0)


def footnote(
    figure: Figure, frame: pd.DataFrame, settings: str, shown: str = "mean and 95% t interval"
) -> None:
    """State what is shown, and over how many replicas."""
    replicas, grammars = (
        len(frame[[*GRAMMAR, *seeds]].drop_duplicates()) for seeds in (SEEDS, SEEDS[:1])
    )
    note(figure, settings, f"{shown} over n = {replicas} replicas ({grammars} grammars)")


def samples_footnote(figure: Figure, frame: pd.DataFrame, *shown: str) -> None:
    """State the setting, what is shown, and over how many samples and networks."""
    networks = len(frame[["data_seed", "network_seed"]].drop_duplicates())
    samples = int(frame["count"].min())  # shares of tokens have counts of tokens
    count = f"n = {samples} samples of each of {networks} networks and checkpoints"
    note(figure, frame["setting"].iloc[0], *shown, count)


def weights(settings: dict) -> str:
    """Which weights were sampled."""
    decay = settings["average"]
    return "raw weights" if decay is None else f"weights averaged with decay {decay:g}"


def note(figure: Figure, *parts: str) -> None:
    """Write parts of a sentence below the panels; a narrow figure has a line for each."""
    width = figure.get_size_inches()[0]
    text = textwrap.fill("; ".join(parts), int(20 * width)) if width > 5 else "\n".join(parts)
    figure.supxlabel(text, fontsize=6, color="0.35")


def grammar_label(frame: pd.DataFrame) -> str:
    """Grammar parameters of the first row, as in $v=8, m=4$."""
    first = frame.iloc[0]
    return ", ".join(f"{name}={first[name]}" for name in ("v", "m", "s", "L"))


def setting_name(setting: Sequence[int]) -> str:
    """Grammar parameters in a legend titled `SETTING_TITLE`."""
    return ", ".join(f"{value}" for value in setting)


def _as_tuple(key: object) -> tuple:
    return key if isinstance(key, tuple) else (key,)
