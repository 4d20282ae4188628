"""Logarithmic axes of figures: plain numbers that stand apart, or powers of ten."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)
from numpy.typing import ArrayLike

_MANTISSAS = ([1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5], [1, 2, 5], [1, 3], [1])
"""Sets of plain numbers in a decade, from dense to sparse."""


def plain_log_axis(axes: Axes, which: str, values: ArrayLike, most: int = 5) -> None:
    """Make an axis logarithmic with plain numbers at the values, the last and those well apart."""
    _plain_numbers(axes, which, _well_apart(np.unique(values), most))


def _well_apart(values: np.ndarray, most: int) -> list[float]:
    """The last of ascending values, and those before it that leave room for their numbers."""
    if not len(values):
        return []
    room = np.log(values[-1] / values[0]) / (most + 0.5)
    kept = [float(values[-1])]
    for value in values[-2::-1]:
        if np.log(kept[-1] / value) >= room:
            kept.append(float(value))
    return kept[::-1]


def _plain_numbers(axes: Axes, which: str, shown: Sequence[float]) -> None:
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("log")
    axis.set_major_locator(FixedLocator(shown))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def log_axis(axes: Axes, which: str, most: int = 5) -> None:
    """Make an axis logarithmic, with powers of ten; if fewer than two fit, with plain numbers."""
    getattr(axes, f"set_{which}scale")("log")
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    tens = 10.0**powers
    inside = tens[(tens >= low) & (tens <= high)]
    if len(inside) >= 2:
        axis = getattr(axes, f"{which}axis")
        axis.set_major_locator(FixedLocator(inside[:: -(-len(inside) // most)]))
        axis.set_minor_formatter(NullFormatter())
        getattr(axes, f"set_{which}lim")(low, high)
        return
    _plain_numbers(axes, which, _numbers_apart(low, high, most).tolist())
    getattr(axes, f"set_{which}lim")(low, high)


def _numbers_apart(low: float, high: float, most: int) -> np.ndarray:
    """As many plain numbers between the limits as stand apart on a logarithmic axis."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for mantissas in _MANTISSAS:
        numbers = np.unique(np.outer(decades, mantissas))
        numbers = numbers[(numbers >= low) & (numbers <= high)]
        apart = np.diff(np.log(numbers)) >= np.log(high / low) / (most + 2)
        if len(numbers) >= 2 and apart.all():
            return numbers
    # So narrow a range is all but linear.
    numbers = np.asarray(MaxNLocator(most - 1).tick_values(low, high))
    return numbers[(numbers >= low) & (numbers <= high)]
