"""Samples of text as training goes on, from the same random numbers at every checkpoint."""

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.samples import first_network
from pipeline.figures import style
from pipeline.figures.settings import OfSamples

_SHOWN = 3
_CHARACTERS, _LINE = 115, 115


def draw(settings: OfSamples, texts: pd.DataFrame) -> Figure:
    """The first samples of one network, a row of the page for each checkpoint."""
    frame = first_network(texts, settings.average)
    steps = sorted(frame["step"].unique())
    figure, axes = style.panels(settings, 1, height=0.35, rows=len(steps))
    figure.set_size_inches(settings.style.page_width, 0.62 * len(steps) + 0.3)
    for panel, step in zip(axes, steps, strict=True):
        chosen = frame[(frame["step"] == step) & (frame["sample"] < _SHOWN)].sort_values("sample")
        lines = "\n".join(_excerpt(text) for text in chosen["text"])
        panel.text(0, 1, lines, va="top", family="monospace", fontsize=style.TEXT)
        panel.set_title(f"step {step}", loc="left")
        panel.set_axis_off()
    style.note(figure, f"first {_SHOWN} samples of one network, same random numbers in each row")
    return figure


def _excerpt(text: str) -> str:
    """A sample's beginning, wrapped; what could be read as markup is not."""
    shown = " ".join(text.split())[:_CHARACTERS].replace("$", r"\$")
    return "\n".join(textwrap.wrap(shown, _LINE, initial_indent="> ", subsequent_indent="  "))
