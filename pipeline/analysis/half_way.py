"""Where a learning curve is half-way up, and whether it got to its end at all."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

_SEEN = 0.8
"""Share of the fitted top that the last value has to reach."""


class HalfWay(NamedTuple):
    """A half-way point, and what is known of it.

    Attributes:
        threshold: where the fitted sigmoid is half-way up; NaN unless the status is `inside`.
        status: `inside` the range studied, `below` or `above` it, or `not converged`: the curve
            rose past the middle, but it levels off too low, or still rises too much, for its own
            middle to be that of learning.
        top: where the fitted sigmoid levels off.
    """

    threshold: float
    status: str
    top: float


def half_way(
    x: np.ndarray, values: np.ndarray, chance: float, ceiling: float, converged: float
) -> HalfWay:
    """Fit a sigmoid in log x that rises from chance to a free top, at most the ceiling.

    With the top held at the ceiling, a curve that levels off lower would have its half-way point
    far too late: by a factor of 1.4 at a top of 0.86, and of 3 at 0.63.

    Args:
        x: dataset sizes or steps, increasing, at least as many as the fit has parameters.
        values: what rises with them.
        chance: where it starts.
        ceiling: where it would end if all was learnt.
        converged: share of the way from chance to ceiling that the top has to reach. The last
            value has to have come most of the way to it, too: how far a curve that still rises
            would go is anyone's guess.

    Returns:
        The half-way point. A curve that never rises past the middle between chance and ceiling is
        not half-way up in the range: `above`, wherever the fitted sigmoid has its middle; likewise
        `below` for one that is past it throughout.
    """
    span, log_x = ceiling - chance, np.log(x)
    risen = (values - chance) / span
    log_half, top = _fit(log_x, risen)
    past = risen > 0.5
    if past.all() or (log_half < log_x[0] and past.any()):
        status = "below"
    elif not past.any() or log_half > log_x[-1]:
        status = "above"
    else:
        seen = risen[-1] >= _SEEN * top
        status = "inside" if top >= converged and seen else "not converged"
    threshold = float(np.exp(log_half)) if status == "inside" else float("nan")
    return HalfWay(threshold, status, float(chance + span * top))


def crossing(x: np.ndarray, values: np.ndarray, height: float) -> HalfWay:
    """Where values fall below a height for good, linear in log x between points.

    Args:
        x: dataset sizes or steps, increasing.
        values: what falls with them.
        height: that is crossed; a value on it has not crossed it yet.

    Returns:
        The crossing, `below` if all values are lower and `above` if the last is not; as the top,
        the last value.
    """
    higher, last = np.flatnonzero(values >= height), float(values[-1])
    if not higher.size:
        return HalfWay(float("nan"), "below", last)
    before = higher[-1]
    if before == len(x) - 1:
        return HalfWay(float("nan"), "above", last)
    (low, high), log_x = values[[before + 1, before]], np.log(x)
    share = (high - height) / (high - low)
    log_crossing = log_x[before] + share * (log_x[before + 1] - log_x[before])
    return HalfWay(float(np.exp(log_crossing)), "inside", last)


def _fit(log_x: np.ndarray, risen: np.ndarray) -> tuple[float, float]:
    """Middle and top of the sigmoid that starts at 0, by least squares.

    The search runs over half-way points and slopes alone. Each pair of these gets the top that fits
    best with it, in closed form. So a flat curve, whose top and middle are not determined, gets the
    least top that fits.
    """
    from scipy.optimize import least_squares  # late: most of those who import this fit nothing

    def shape(parameters: np.ndarray) -> tuple[np.ndarray, float]:
        log_half, log_slope = parameters
        rise = expit(np.exp(log_slope) * (log_x - log_half))
        squares = rise @ rise
        top = np.clip(rise @ risen / squares, 0.0, 1.0) if squares > 0 else 1.0
        return top * rise, float(top)

    def misses(parameters: np.ndarray) -> np.ndarray:
        return shape(parameters)[0] - risen

    reached = np.flatnonzero(risen > 0.5)
    start = log_x[reached[0]] if reached.size else log_x[-1]
    # Far wider than any curve that can be read off: they only keep the search from running away.
    bounds = [log_x[0] - 20, np.log(0.05)], [log_x[-1] + 20, np.log(20.0)]
    found = least_squares(misses, (start, 0.0), bounds=bounds)
    return float(found.x[0]), shape(found.x)[1]
