"""Generated images as training goes on, from the same random numbers at every checkpoint."""

import io

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import imread

from pipeline.analysis.samples import first_network
from pipeline.figures import style

_GAP = 0.08
_INCHES = 0.62


def draw(settings: dict, pictures: pd.DataFrame) -> Figure:
    """The first samples of one network: a row for each, a column for each checkpoint."""
    frame = first_network(pictures, settings["average"])
    table = frame.pivot_table(index="sample", columns="step", values="png", aggfunc="first")
    figure, (panel,) = style.panels(settings, 1)
    rows, columns = table.shape
    width = max(_INCHES * columns + 0.5, settings["style"]["width"])  # the note needs some
    figure.set_size_inches(width, _INCHES * rows + 0.7)
    for (row, column), png in np.ndenumerate(table.to_numpy()):
        extent = (column + _GAP, column + 1, row + 1, row + _GAP)
        panel.imshow(imread(io.BytesIO(png), "png"), extent=extent, interpolation="nearest")
    panel.set(xlim=(_GAP, columns), ylim=(rows, _GAP), xlabel=style.LABELS["step"])
    panel.set_xticks(np.arange(columns) + 0.5, [f"{step}" for step in table.columns], fontsize=7)
    panel.set_yticks([])
    panel.tick_params(length=0)
    for side in panel.spines.values():
        side.set_visible(False)
    shown = f"first {rows} samples of one network, one row each"
    style.note(figure, frame["setting"].iloc[0], shown, style.weights(settings))
    return figure
