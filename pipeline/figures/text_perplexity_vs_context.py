"""What a language model makes of generated text, by the number of tokens that it has read."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.samples import largest_training_set, mean_over_networks
from pipeline.figures import style

_BARS = {"capsize": 1.5, "markersize": 3, "linewidth": 0.8}
_DIVERSITY = {"sample_entropy": "entropy within samples (nats)", "distinct_2": "distinct-2"}


def draw(
    settings: dict, judgements: pd.DataFrame, control_judgements: pd.DataFrame,
    measurements: pd.DataFrame, calibration: pd.DataFrame,
) -> Figure:  # fmt: skip
    """Loss against context, for checkpoints and controls; beside it, how varied samples are."""
    frame = largest_training_set(judgements)
    figure, axes = style.panels(settings, 3)
    _losses(axes[0], settings, frame, control_judgements)
    for panel, (quantity, label) in zip(axes[1:], _DIVERSITY.items(), strict=True):
        _diversity(panel, largest_training_set(measurements), calibration, quantity, label)
    shown = "bars: 95% over samples; repetition lowers both losses and diversity"
    style.text_footnote(figure, frame, shown)
    return figure


def _losses(panel: Axes, settings: dict, frame: pd.DataFrame, controls: pd.DataFrame) -> None:
    steps = sorted(frame["step"].unique())
    for index, (step, colour) in enumerate(
        zip(steps, style.shades(settings, len(steps)), strict=True)
    ):
        summary = _by_context(frame[frame["step"] == step])
        marker = style.MARKERS[index % len(style.MARKERS)]
        panel.errorbar(
            summary["context"], summary["mean"], summary["error"],
            color=colour, marker=marker, label=f"step {step}", **_BARS,
        )  # fmt: skip
    lengths = controls["block_length"].drop_duplicates().sort_values(na_position="last")
    for index, length in enumerate(lengths):
        chosen = controls["block_length"].isna() if pd.isna(length) else None
        part = controls[controls["block_length"] == length if chosen is None else chosen]
        summary = _by_context(part)
        name = "real text" if pd.isna(length) else f"blocks of {length:.0f}"
        looks = style.THEORY | {"linestyle": "-" if pd.isna(length) else (0, (1 + index, 1))}
        panel.errorbar(summary["context"], summary["mean"], summary["error"], label=name, **looks)
    panel.set(xscale="log", xlabel="tokens read before, at least")
    panel.set_ylabel("loss under the judge (nats per token)")
    panel.legend(fontsize=5, ncols=2)


def _by_context(frame: pd.DataFrame) -> pd.DataFrame:
    chosen = frame[(frame["quantity"] == "judge_loss") & frame["context"].notna()]
    return mean_over_networks(chosen, ["context"])


def _diversity(
    panel: Axes, frame: pd.DataFrame, calibration: pd.DataFrame, quantity: str, label: str
) -> None:
    summary = mean_over_networks(frame[frame["quantity"] == quantity], ["step"])
    panel.errorbar(summary["step"], summary["mean"], summary["error"], fmt="ok-", **_BARS)
    real = calibration[(calibration["quantity"] == quantity) & calibration["block_length"].isna()]
    panel.axhline(real["estimate"].iloc[0], label="real text", **style.THEORY)
    panel.set(xscale="log", xlabel=style.LABELS["step"], ylabel=label)
    panel.legend()
