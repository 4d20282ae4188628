"""Loss in excess of the exact denoiser's, and the plateaus of who knows some levels only."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.curves import at_best_checkpoint, finite_sizes, predicted_size
from pipeline.analysis.groups import grouped
from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings

_SIZES_SHOWN = 4


def draw(settings: FigureSettings, probes: pd.DataFrame, losses: pd.DataFrame) -> Figure:
    """Excess against noise level, against dataset size and, online, against training step."""
    best = finite_sizes(at_best_checkpoint(probes, losses))
    online = probes[probes["dataset_size"] == "online"]
    figure, axes = style.panels(settings, 2 if online.empty else 3, sharey=True)
    _by_noise(axes[0], settings, best)
    _curve(axes[1], settings, best, "dataset_size")
    if not online.empty:
        _curve(axes[2], settings, online, "step")
    _predictions(axes[1], best)
    axes[0].set(yscale="log", ylabel="excess loss (nats per token)")
    axes[0].set_ylim(bottom=_floor(best, online))
    log_axes.log_axis(axes[0], "y")
    style.legend(figure, axes[0], title="$P$", loc="outside right upper")
    style.legend(figure, axes[1], title="who knows", loc="outside right center")
    label = f"{style.grammar_label(probes)}; test strings; checkpoint of lowest validation loss"
    style.footnote(figure, probes, label)
    return figure


def _by_noise(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    bins = frame[frame["noise_high"] - frame["noise_low"] < 1]
    sizes = style.spread(bins["dataset_size"].unique(), _SIZES_SHOWN)
    for index, (size, colour) in enumerate(
        zip(sizes, style.shades(settings, len(sizes)), strict=True)
    ):
        part = bins[(bins["dataset_size"] == size) & (bins["quantity"] == "excess_loss")]
        summary = style.summarise(part, ["noise_low", "noise_high"])
        x = (summary["noise_low"] + summary["noise_high"]) / 2
        style.curve(panel, x, summary, index, color=colour, label=f"{size}")
    plateaus = bins[bins["quantity"] == "plateau_excess_loss"]
    for level, part in grouped(plateaus, "level"):
        summary = style.summarise(part, ["noise_low", "noise_high"])
        x = (summary["noise_low"] + summary["noise_high"]) / 2
        panel.plot(x, summary["mean"], **_dashes(level))
    panel.set_xlabel("noise level $t / T$")


def _curve(panel: Axes, settings: FigureSettings, frame: pd.DataFrame, variable: str) -> None:
    """Excess over all noise levels, and plateaus as dashed lines."""
    whole = frame[(frame["noise_low"] == 0) & (frame["noise_high"] == 1)]
    (colour,) = style.shades(settings, 1)
    summary = style.summarise(whole[whole["quantity"] == "excess_loss"], [variable])
    style.curve(panel, summary[variable], summary, 0, color=colour)
    for level, part in grouped(whole[whole["quantity"] == "plateau_excess_loss"], "level"):
        label = "no level" if level == 0 else f"up to {level:.0f}"
        panel.axhline(part["estimate"].mean(), label=label, **_dashes(level))
    log_axes.plain_log_axis(panel, "x", summary[variable])
    panel.set(xlabel=style.LABELS[variable])


def _dashes(level: float) -> dict[str, Any]:
    """Dashes, which are shorter the more levels are known."""
    return style.THEORY | {"linestyle": (0, (6 / (1 + level), 1.5))}


def _predictions(panel: Axes, frame: pd.DataFrame) -> None:
    """Ticks at the dataset sizes at which levels from 2 up are predicted to be learnt."""
    v, m, s, L = (int(frame[name].iloc[0]) for name in ("v", "m", "s", "L"))
    for level in range(2, L + 1):
        panel.axvline(predicted_size(v, m, s, level), ymax=0.05, color=style.INK, linewidth=1.2)
        panel.annotate(
            rf"$P^*_{level}$", (predicted_size(v, m, s, level), 0.06), ha="center",
            xycoords=("data", "axes fraction"),
        )  # fmt: skip


def _floor(*frames: pd.DataFrame) -> float | None:
    """Lower end of the axis: a third of the smallest excess that is resolved; None if none is."""
    rows = pd.concat(frames)
    excess = rows[
        (rows["quantity"] == "excess_loss") & (rows["noise_high"] - rows["noise_low"] == 1)
    ]
    resolved = excess["estimate"][excess["estimate"] > 2 * excess["standard_error"]]
    return float(resolved.min()) / 3 if len(resolved) else None
