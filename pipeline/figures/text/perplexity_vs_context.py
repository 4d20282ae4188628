"""What a language model makes of generated text, by the number of tokens that it has read."""

from collections.abc import Iterator
from typing import TypeAlias

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.groups import grouped
from pipeline.analysis.samples import mean_over_networks, shown_samples
from pipeline.figures import log_axes, style
from pipeline.figures.settings import OfJudgements

_Dash: TypeAlias = str | tuple[float, tuple[float, ...]]
_DIVERSITY = {"sample_entropy": "entropy within samples (nats)", "distinct_2": "distinct-2"}


def draw(
    settings: OfJudgements, judgements: pd.DataFrame, control_judgements: pd.DataFrame,
    measurements: pd.DataFrame, calibration: pd.DataFrame,
) -> Figure:  # fmt: skip
    """Losses of checkpoints and controls; below them, how varied the same samples are."""
    frame, measured = (
        shown_samples(table, settings.average) for table in (judgements, measurements)
    )
    figure, axes = style.panels(settings, 2, rows=2, height=0.65)
    _losses(axes[0], settings, frame, control_judgements)
    _per_character(axes[1], frame, control_judgements)
    for panel, (quantity, label) in zip(axes[2:], _DIVERSITY.items(), strict=True):
        _against_step(panel, measured, quantity, label)
        real = calibration[calibration["block_length"].isna()]
        _level(panel, real[real["quantity"] == quantity], "real text", "--")
    axes[2].legend()
    style.legend(figure, axes[0])
    shown = f"bars: 95% over samples of one network; judge: {settings.judge}"
    style.samples_footnote(figure, measured, shown)
    return figure


def _losses(
    panel: Axes, settings: OfJudgements, frame: pd.DataFrame, controls: pd.DataFrame
) -> None:
    for part, looks in style.by_step(settings, frame):
        summary = _by_context(part)
        looks |= {"label": f"step {looks['label']}"}
        panel.errorbar(summary["context"], summary["mean"], summary["error"], **looks, **style.BARS)
    for dash, (name, part) in _controls(controls):
        summary = _by_context(part)
        looks = style.THEORY | {"linestyle": dash}
        panel.errorbar(summary["context"], summary["mean"], summary["error"], label=name, **looks)
    log_axes.plain_log_axis(panel, "x", summary["context"])
    panel.set(xlabel="tokens of the judge read before, at least")
    panel.set_ylabel("loss (nats per token)")


def _per_character(panel: Axes, frame: pd.DataFrame, controls: pd.DataFrame) -> None:
    quantity = "judge_loss_per_character"
    _against_step(panel, frame, quantity, "loss (nats per character)")
    for dash, (name, part) in _controls(controls):
        _level(panel, part[part["quantity"] == quantity], name, dash)


def _controls(controls: pd.DataFrame) -> Iterator[tuple[_Dash, tuple[str, pd.DataFrame]]]:
    """Dashes, name and rows of shuffled blocks, denser with their length, and of real text."""
    for index, (length, part) in enumerate(grouped(controls, "block_length")):
        yield (0, (1 + index, 1)), (f"blocks of {length:.0f}", part)
    yield "-", ("real text", controls[controls["block_length"].isna()])


def _by_context(frame: pd.DataFrame) -> pd.DataFrame:
    chosen = frame[(frame["quantity"] == "judge_loss") & frame["context"].notna()]
    return mean_over_networks(chosen, ["context"])


def _against_step(panel: Axes, frame: pd.DataFrame, quantity: str, label: str) -> None:
    summary = mean_over_networks(frame[frame["quantity"] == quantity], ["step"])
    looks = style.BARS | {"fmt": "o-", "color": style.INK}
    panel.errorbar(summary["step"], summary["mean"], summary["error"], **looks)
    log_axes.plain_log_axis(panel, "x", summary["step"])
    panel.set(xlabel=style.LABELS["step"], ylabel=label)


def _level(panel: Axes, row: pd.DataFrame, name: str, dash: _Dash) -> None:
    panel.axhline(row["estimate"].iloc[0], label=name, **style.THEORY | {"linestyle": dash})
