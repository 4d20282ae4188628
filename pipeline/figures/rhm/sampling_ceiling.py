"""How many generated strings are right if the denoiser is exact: the error of the sampler alone."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.figures import log_axes, style
from pipeline.figures.settings import FigureSettings

_PROCESSES = {"uniform": "uniform noise", "absorbing": "absorbing noise"}


def draw(settings: FigureSettings, ceilings: pd.DataFrame) -> Figure:
    """String accuracy at the root against noise levels T, for every reading of "linear"."""
    strings = ceilings[ceilings["quantity"] == "string_accuracy"]
    whole = strings[strings["level"] == strings["L"]]
    swept = whole[whole["noise_levels"] == whole["sampling_levels"]]
    figure, axes = style.panels(settings, 2, sharey=True)
    for panel, (process, title) in zip(axes, _PROCESSES.items(), strict=True):
        _schedules(panel, settings, swept[swept["process"] == process])
        _configured(panel, whole[whole["configured"] & (whole["process"] == process)])
        log_axes.plain_log_axis(panel, "x", swept["noise_levels"])
        panel.set(xlabel="noise levels $T$", title=title)
        panel.axhline(1, **style.THEORY)
    axes[0].set_ylabel("string accuracy")
    axes[0].set_ylim(top=1.03)
    style.legend(figure, axes[1], title="schedule")
    grammars = whole["grammar_seed"].nunique()
    count = int(swept["count"].min())
    shown = f"mean and 95% t interval over n = {grammars} grammars, {count} strings each"
    style.note(figure, style.grammar_label(whole), shown, "star: the config's sampler")
    return figure


def _schedules(panel: Axes, settings: FigureSettings, frame: pd.DataFrame) -> None:
    schedules = frame["schedule"].unique()
    colours = style.shades(settings, len(schedules))
    for index, schedule in enumerate(schedules):
        summary = style.summarise(frame[frame["schedule"] == schedule], ["noise_levels"])
        x, label = summary["noise_levels"], schedule.replace("_", " ")
        style.curve(panel, x, summary, index, color=colours[index], label=label)


def _configured(panel: Axes, frame: pd.DataFrame) -> None:
    summary = style.summarise(frame, ["noise_levels"])
    style.curve(
        panel, summary["noise_levels"], summary, 0, color=style.INK, marker="*", markersize=9
    )
