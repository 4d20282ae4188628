"""How far generated text is coherent, against training time, with the estimator's calibration."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.samples import NETWORK, largest_training_set, mean_over_networks
from pipeline.figures import style

_KNOWN = 0.3
_BARS = {"capsize": 2, "markersize": 4, "linewidth": 0.8}


def draw(settings: dict, measurements: pd.DataFrame, calibration: pd.DataFrame) -> Figure:
    """Correlation ratios, the equivalent block length in training time, and its calibration."""
    frame = largest_training_set(measurements)
    figure, axes = style.panels(settings, 3)
    _ratios(axes[0], settings, frame, calibration)
    _lengths(axes[1], frame, calibration)
    _calibration(axes[2], calibration)
    style.text_footnote(figure, frame, "bars: 95% over samples; arrow: at least")
    return figure


def _ratios(panel: Axes, settings: dict, frame: pd.DataFrame, calibration: pd.DataFrame) -> None:
    steps = sorted(frame["step"].unique())
    for index, (step, colour) in enumerate(
        zip(steps, style.shades(settings, len(steps)), strict=True)
    ):
        summary = _ratio(frame[frame["step"] == step]).dropna()
        panel.errorbar(
            summary["distance"], summary["mean"], summary["error"], color=colour, label=f"{step}",
            marker=style.MARKERS[index % len(style.MARKERS)], **_BARS,
        )  # fmt: skip
    real = _ratio(calibration[calibration["block_length"].isna()]).dropna()
    panel.errorbar(real["distance"], real["mean"], real["error"], label="real", **style.THEORY)
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    style.plain_log_axis(panel, "x", real["distance"])
    panel.set(xlabel=style.LABELS["distance"], ylim=(-0.4, 1.9))
    panel.set_ylabel("correlation ratio $R(t)$")
    panel.legend(title=style.LABELS["step"], loc="upper right", fontsize=5, ncols=3)


def _ratio(frame: pd.DataFrame) -> pd.DataFrame:
    """Ratios that are known well enough to be read; others would hide them."""
    known = (frame["quantity"] == "correlation_ratio") & (frame["standard_error"] < _KNOWN)
    return mean_over_networks(frame[known], ["distance"])


def _lengths(panel: Axes, frame: pd.DataFrame, calibration: pd.DataFrame) -> None:
    lengths = frame[frame["quantity"] == "equivalent_block_length"]
    for index, (_, network) in enumerate(lengths.groupby(NETWORK, dropna=False)):
        curve = network.sort_values("step")
        shifted = curve["step"] * 1.06**index  # bars side by side
        marker = style.MARKERS[index % len(style.MARKERS)]
        _interval(panel, shifted, curve, fmt=f"{marker}-", color=f"C{index}")
    real = calibration.query("quantity == 'equivalent_block_length' and block_length.isna()")
    panel.axhspan(real["low"].iloc[0], real["high"].iloc[0], color="0.35", alpha=0.2, linewidth=0)
    bound = "$\\geq$" if real["status"].iloc[0] == "at least" else "="
    label = f"real text: {bound} {real['estimate'].iloc[0]:.3g}"
    panel.axhline(real["estimate"].iloc[0], label=label, **style.THEORY)
    highest = max(lengths["high"].max(), real["high"].iloc[0])
    panel.set(xscale="log", xlabel=style.LABELS["step"], ylim=(0, 1.3 * highest))
    panel.set_ylabel(r"block length $\xi$ (tokens)")
    panel.legend(loc="upper left")


def _interval(panel: Axes, x: pd.Series, frame: pd.DataFrame, **looks: str) -> None:
    """Estimates with their intervals, and an arrow where one is only a lower bound."""
    bars = np.maximum([frame["estimate"] - frame["low"], frame["high"] - frame["estimate"]], 0)
    panel.errorbar(x, frame["estimate"], bars, **looks, **_BARS)
    bounds = (frame["status"] == "at least").to_numpy()
    panel.plot(x[bounds], 1.08 * frame["estimate"][bounds], "^", color="k", markersize=5)


def _calibration(panel: Axes, calibration: pd.DataFrame) -> None:
    known = calibration.query("quantity == 'equivalent_block_length' and block_length.notna()")
    known = known.sort_values("block_length")
    _interval(panel, known["block_length"], known, fmt="o", color="k")
    ends = [known["block_length"].min(), known["block_length"].max()]
    panel.plot(ends, ends, label=r"$\xi = b$", **style.THEORY)
    for which in "xy":
        style.plain_log_axis(panel, which, known["block_length"])
    panel.set(xlabel="length $b$ of shuffled blocks", ylabel=r"block length $\xi$ (tokens)")
    panel.legend(loc="upper left")
