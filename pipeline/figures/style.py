"""The common look: ticks on all sides, levels told apart by shade and marker, theory dashed."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from pipeline.analysis.curves import GRAMMAR, mean_interval
from pipeline.artifacts.tables import SEEDS
from pipeline.figures import log_axes
from pipeline.figures.settings import FigureSettings, OfSamples

Looks: TypeAlias = dict[str, Any]
"""Named arguments of matplotlib's functions that say how something looks."""

MARKERS = "os^Dv<>p*h"
SETTING_TITLE = "v, m, s, L"
TEXT = 7
"""Points of all text, the least that journals print."""

Colour: TypeAlias = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""

INK: Colour = (0.1, 0.1, 0.1)
"""Of what is neither a level, a step nor a setting."""

CONTRAST = 3.0
"""Least contrast of lines and markers with white paper."""

MOST_STEPS = 6
"""Curves of one panel that can be told apart."""

_COLOURS = [
    *("#4C72B0", "#DD8452", "#55A868", "#C44E52", "#8172B3"),
    *("#937860", "#DA8BC3", "#8C8C8C", "#CCB974", "#64B5CD"),
]
"""Of curves without an order, the palette "deep" of seaborn; C0 to C9 by name."""
_BASE: Looks = {
    "axes.prop_cycle": cycler(color=_COLOURS),
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color"), "0.15"),
    **dict.fromkeys(("xtick.color", "ytick.color"), "0.15"),
    **dict.fromkeys(("xtick.minor.width", "ytick.minor.width", "patch.linewidth"), 0.8),
    "axes.axisbelow": True,
    "grid.color": "0.8",
    "lines.markersize": 4.8,
    "lines.solid_capstyle": "round",
    "patch.facecolor": _COLOURS[0],
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
}
"""The look "ticks" of seaborn at the size of a paper, without the second of its import."""
_CHARACTERS_PER_INCH = 19
_TICKS = {"major.width": 0.6, "major.size": 2.5, "minor.size": 1.5, "major.pad": 2.0}
THEORY: Looks = {"linestyle": "--", "color": "0.35", "linewidth": 1.0}
BARS: Looks = {"capsize": 1.5, "markersize": 3, "linewidth": 0.8}
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
    settings: FigureSettings, columns: int, height: float = 0.8, rows: int = 1, **kwargs: Any
) -> tuple[Figure, list[Axes]]:
    """Figure and axes, row by row in one list.

    A figure of one column is as wide as a journal's column, any other as its page, so that it is
    placed as it is and its text is as large as here.

    Args:
        settings: of the figure, with the section `style`.
        columns: of panels.
        height: of a panel, legends and notes aside, over its share of the width.
        rows: of panels.
        **kwargs: of `plt.subplots`.
    """
    sizes = (
        *("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"),
        *("legend.fontsize", "legend.title_fontsize", "figure.labelsize"),
    )
    lines = {"lines.linewidth": 1.0, "axes.linewidth": 0.6, "legend.frameon": False}
    ticks = {f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()}
    font = {"font.sans-serif": ["DejaVu Sans"]}  # comes with matplotlib; others are not everywhere
    looks: Looks = _BASE | dict.fromkeys(sizes, TEXT) | lines | ticks | font
    for name, value in looks.items():
        plt.rcParams[name] = value  # type: ignore[index] # a Literal of all names
    style = settings.style
    width = style.column_width if columns == 1 else style.page_width
    size = (width, width / columns * height * rows + 0.3)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, layout="constrained", squeeze=False, **kwargs
    )
    return figure, axes.ravel().tolist()


def shades(settings: FigureSettings, count: int) -> list[Colour]:
    """`count` colours of the palette, all of which stand out from white paper."""
    places = np.linspace(0, 1, 258)[1:-1]  # without both ends, which are nearly black or white
    palette = colour_map(settings)(places)[:, :3]
    visible = [tuple(colour) for colour in palette if contrast(colour) >= CONTRAST]
    places = np.linspace(0, len(visible) - 1, max(count, 2))
    return [visible[int(place)] for place in places][:count]


def colour_map(settings: FigureSettings) -> Colormap:
    """The palette of the config."""
    if settings.style.palette not in mpl.colormaps:
        import seaborn  # noqa: F401 # which adds its own; late, as it takes a second to import
    return mpl.colormaps[settings.style.palette]


def contrast(colour: Sequence[float]) -> float:
    """Contrast of an RGB colour with white, 1 to 21 (WCAG 2.1)."""
    channels = np.asarray(colour[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05))


def by_step(settings: FigureSettings, frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, Looks]]:
    """Rows of up to `MOST_STEPS` checkpoints in order, with looks and label of their curve."""
    steps = spread(frame["step"].unique(), MOST_STEPS)
    for index, (step, colour) in enumerate(zip(steps, shades(settings, len(steps)), strict=True)):
        marker = MARKERS[index % len(MARKERS)]
        yield frame[frame["step"] == step], {"color": colour, "marker": marker, "label": f"{step}"}


def spread(values: ArrayLike, count: int) -> list[float]:
    """Up to `count` of the values, evenly spread over their order."""
    ordered = np.sort(values)
    places = np.linspace(0, len(ordered) - 1, min(count, len(ordered)))
    return ordered[places.round().astype(int)].tolist()


def summarise(frame: pd.DataFrame, by: Sequence[str], value: str = "estimate") -> pd.DataFrame:
    """Mean over grammars and its 95 % t interval, one row per group; none of a single grammar.

    Replicas of a grammar are averaged first: what differs between grammars does not average out
    over them.
    """
    known = frame.dropna(subset=[value])
    inner = [*by, "grammar_seed"] if "grammar_seed" in known else [*by]
    means = known.groupby(inner, as_index=False)[value].mean() if len(inner) > len(by) else known
    groups = means.groupby(list(by))[value]
    rows = [(*_as_tuple(key), *mean_interval(values.to_numpy())) for key, values in groups]
    table = pd.DataFrame(rows, columns=[*by, "mean", "low", "high"])
    return table.assign(error=(table["high"] - table["low"]) / 2)


def curve(axes: Axes, x: pd.Series, summary: pd.DataFrame, index: int, **style: Any) -> None:
    """Mean with error bars; `index` picks the marker."""
    marker = MARKERS[index % len(MARKERS)]
    looks: Looks = {"marker": marker, "markersize": 3.5, "capsize": 1.5, **style}
    axes.errorbar(x, summary["mean"], summary["error"], **looks)


def geometric(summary: pd.DataFrame) -> tuple[pd.Series, list[pd.Series]]:
    """Geometric mean and bars from a summary of logarithms."""
    middle = np.exp(summary["mean"])
    return middle, [middle - np.exp(summary["low"]), np.exp(summary["high"]) - middle]


def legend(
    figure: Figure, panel: Axes, title: str | None = None, theory: str | None = None,
    **looks: Any,
) -> None:  # fmt: skip
    """The legend of a panel, beside all panels, where it hides no data.

    Args:
        figure: that of the panel.
        panel: whose curves are named.
        title: of the legend.
        theory: name of dashed lines, if the panel gives them none.
        **looks: of `Figure.legend`.
    """
    handles, _ = panel.get_legend_handles_labels()
    handles += [Line2D([], [], label=theory, **THEORY)] if theory else []
    place: Looks = {"loc": "outside right center", "borderaxespad": 0.2, "handlelength": 1.6}
    figure.legend(handles=handles, title=title, **place | looks)


def heat_map(
    figure: Figure, panel: Axes, settings: FigureSettings, values: pd.DataFrame, highest: float = 1,
    label: str = "",
) -> None:  # fmt: skip
    """Values by step, upwards, and dataset size, on logarithmic axes; undefined ones are grey."""
    x, y = (_edges(axis.to_numpy(float)) for axis in (values.columns, values.index))
    looks: Looks = {"cmap": settings.style.palette, "vmin": 0, "vmax": highest}
    mesh = panel.pcolormesh(x, y, np.ma.masked_invalid(values.to_numpy(float)), **looks)
    figure.colorbar(mesh, ax=panel, label=label, aspect=30, pad=0.02)
    panel.set(facecolor="0.85", xlabel=LABELS["dataset_size"])
    log_axes.plain_log_axis(panel, "x", values.columns)
    log_axes.plain_log_axis(panel, "y", values.index)
    panel.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges of the cells around increasing values, half-way in the logarithm."""
    logs = np.log(values)
    middle = (logs[1:] + logs[:-1]) / 2
    step = np.diff(logs) if len(logs) > 1 else np.array([1.0])
    return np.exp([logs[0] - step[0] / 2, *middle, logs[-1] + step[-1] / 2])


def footnote(
    figure: Figure, frame: pd.DataFrame, settings: str, shown: str = "mean and 95% t interval"
) -> None:
    """State what is shown, and over how many grammars of each setting."""
    grammars, replicas = (per_setting(frame, seeds) for seeds in (SEEDS[:1], SEEDS))
    each = f", {replicas} replicas" if replicas != grammars else ""
    note(figure, settings, f"{shown} over n = {grammars} grammars{each}")


def per_setting(frame: pd.DataFrame, seeds: Sequence[str]) -> str:
    """How many grammars or replicas, told by these seeds, a setting has: the least and the most."""
    counts = frame[[*GRAMMAR, *seeds]].drop_duplicates().groupby(GRAMMAR).size()
    if counts.empty:
        return "no"
    least, most = counts.min(), counts.max()
    return f"{least}" if least == most else f"{least} to {most}"


def samples_footnote(figure: Figure, frame: pd.DataFrame, *shown: str) -> None:
    """State the setting, what is shown, and over how many samples and networks."""
    networks = len(frame[["data_seed", "network_seed"]].drop_duplicates())
    samples = int(frame["count"].min())  # shares of tokens have counts of tokens
    count = f"n = {samples} samples of each of {networks} networks and checkpoints"
    note(figure, frame["setting"].iloc[0], *shown, count)


def weights(settings: OfSamples) -> str:
    """Which weights were sampled."""
    decay = settings.average
    return "raw weights" if decay is None else f"weights averaged with decay {decay:g}"


def note(figure: Figure, *parts: str) -> None:
    """Write parts of a sentence below the panels."""
    width = figure.get_size_inches()[0]
    text = textwrap.fill("; ".join(parts), int(_CHARACTERS_PER_INCH * width))
    lines = text.count("\n") + 1
    figure.set_size_inches(width, figure.get_size_inches()[1] + 0.11 * lines)
    figure.supxlabel(text, fontsize=TEXT, color="0.35")


def interval(estimate: float, low: float, high: float) -> str:
    """A number with its bounds, as in 0.42 [0.36, 0.47]."""
    known = np.isfinite([low, high]).all()
    return f"{estimate:.2f} [{f'{low:.2f}, {high:.2f}' if known else 'no interval'}]"


def grammar_label(frame: pd.DataFrame) -> str:
    """Grammar parameters of the first row, as in $v=8, m=4$."""
    first = frame.iloc[0]
    return ", ".join(f"{name}={first[name]}" for name in ("v", "m", "s", "L"))


def setting_name(setting: Sequence[int]) -> str:
    """Grammar parameters in a legend titled `SETTING_TITLE`."""
    return ", ".join(f"{value}" for value in setting)


def _as_tuple(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)
