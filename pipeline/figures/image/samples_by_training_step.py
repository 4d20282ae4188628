"""Generated images as training goes on, from the same random numbers at every step; real ones."""

import io

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import imread

from pipeline.analysis.samples import first_network
from pipeline.figures import style
from pipeline.figures.settings import OfFeatures

_GAP = 0.08
"""Between pictures, as a share of their width."""
_APART = 0.15
"""Further gap before the real images, likewise."""
_NARROW = 5
"""Pictures beside one another that fit a journal's column."""


def draw(settings: OfFeatures, pictures: pd.DataFrame, control_pictures: pd.DataFrame) -> Figure:
    """The first samples of one network: a column for each checkpoint, and one of real images."""
    frame = first_network(pictures, settings.average)
    table = frame.pivot_table(index="sample", columns="step", values="png", aggfunc="first")
    real = control_pictures.set_index("sample")["png"].reindex(table.index)
    figure, (panel,) = style.panels(settings, 1)
    rows, columns = table.shape[0], table.shape[1] + 1
    look = settings.style
    width = look.page_width if columns > _NARROW else look.column_width
    figure.set_size_inches(width, width / columns * rows + 0.3)
    for (row, column), png in np.ndenumerate(table.assign(real=real).to_numpy()):
        left = column + _GAP + (_APART if column == columns - 1 else 0.0)
        panel.imshow(
            imread(io.BytesIO(png), "png"), interpolation="nearest",
            extent=(left, left + 1 - _GAP, row + 1, row + _GAP),
        )  # fmt: skip
    panel.set(xlim=(_GAP, columns + _APART), ylim=(rows, _GAP), xlabel=style.LABELS["step"])
    centres = [*(np.arange(columns - 1) + 0.5), columns - 0.5 + _APART]
    panel.set_xticks(centres, [*(f"{step}" for step in table.columns), "real"])
    panel.set_yticks([])
    panel.tick_params(length=0)
    for side in panel.spines.values():
        side.set_visible(False)
    shown = f"first {rows} samples of one network, one row each, and as many held-out images"
    style.note(figure, frame["setting"].iloc[0], shown, style.weights(settings))
    return figure
