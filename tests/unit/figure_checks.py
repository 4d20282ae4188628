"""What a referee would send back: small print, figures that fit no page, text upon text."""

from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.figures import style

WIDTHS = (3.4, 7.0)
_SLACK = 1.0
"""Pixels by which the boxes of two texts may overlap: boxes have more room than ink."""


def defects(figure: Figure) -> list[str]:
    """All of these; an empty list for a figure that may be printed."""
    figure.canvas.draw()
    width, _ = figure.get_size_inches()
    found = [] if round(width, 3) in WIDTHS else [f"is {width} inches wide"]
    texts = _visible(figure)
    found += [
        f"{t.get_text()!r} in {t.get_fontsize()} pt" for t in texts if t.get_fontsize() < style.TEXT
    ]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    for name, box in boxes:
        if (
            box.x0 < -_SLACK
            or box.y0 < -_SLACK
            or box.x1 > figure.bbox.x1 + _SLACK
            or box.y1 > figure.bbox.y1 + _SLACK
        ):
            found.append(f"{name!r} leaves the page")
    for (name, box), (other, its) in combinations(boxes, 2):
        across = min(box.x1, its.x1) - max(box.x0, its.x0)
        along = min(box.y1, its.y1) - max(box.y0, its.y0)
        if across > _SLACK and along > _SLACK:
            found.append(f"{name!r} overlaps {other!r}")
    return found


def _visible(figure: Figure) -> list[Text]:
    """Texts that are drawn: not those of hidden axes, or of ticks beyond the ends of an axis."""
    hidden = set()
    for axes in figure.axes:
        if not axes.axison or not axes.get_visible():
            hidden |= {*axes.xaxis.findobj(Text), *axes.yaxis.findobj(Text)}
        for axis in (axes.xaxis, axes.yaxis):
            hidden |= _beyond(axis)
    texts = figure.findobj(Text)
    return [t for t in texts if t.get_text().strip() and t.get_visible() and t not in hidden]


def _beyond(axis: Axis) -> set[Text]:
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    outside = [tick for tick in ticks if not low <= tick.get_loc() <= high]
    return {text for tick in outside for text in (tick.label1, tick.label2)}
