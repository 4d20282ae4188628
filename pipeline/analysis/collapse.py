"""How well accuracies of all settings fall on one curve of P over a law: the collapse, as a number.

For every law and every level of trees of one shape, one setting after the other is predicted from a
rising curve through all the others (isotonic regression, linear between points). The number is the
share of the variance that this explains: 1 for a perfect collapse, 0 if the mean did as well.
"""

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from pipeline.analysis.bootstrap import Statistic, jackknife_interval, with_several_grammars
from pipeline.analysis.curves import GRAMMAR, all_inside
from pipeline.analysis.exponents import SHAPE
from pipeline.analysis.laws import LAWS, REFERENCE, RIVALS, candidate_laws, comparable

_COLUMNS = ["law", "factor", "explained", "explained_low", "explained_high"]
_LEAD = ["lead", "lead_low", "lead_high"]


def in_range(curves: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Curves of the settings and levels whose half-way sizes all lie in the range studied.

    Only settings with several grammars count, if there are any. A curve that levels off too low
    falls on no master curve, whatever the law.

    Args:
        curves: rows of accuracies.
        points: table of half-way points.
    """
    place = ["quantity", *GRAMMAR, "level"]
    inside = all_inside(points[points["variable"] == "dataset_size"], place)
    return with_several_grammars(curves.merge(inside[place].drop_duplicates(), on=place))


def collapse(curves: pd.DataFrame) -> pd.DataFrame:
    """Variance explained by each law, and the reference's lead over the best of its rivals.

    Args:
        curves: rows of one accuracy at one checkpoint of every finite dataset size, with `chance`
            and `ceiling`.

    Returns:
        One row per law and factor, none where no level has two settings: `explained` with 95 % t
        bounds over grammars, and `lead`, of the reference only.
    """
    frame = comparable(curves)
    if frame.empty:
        return pd.DataFrame(columns=[*_COLUMNS, *_LEAD])
    found = jackknife_interval(frame, explained_variance(frame))
    table = pd.DataFrame(LAWS, columns=["law", "factor"])
    for suffix, values in zip(("", "_low", "_high"), found, strict=True):
        table[f"explained{suffix}"] = values[:-1]
        table[f"lead{suffix}"] = np.where(table.index == REFERENCE, values[-1], np.nan)
    return table[[*_COLUMNS, *_LEAD]]


def explained_variance(frame: pd.DataFrame) -> Statistic:
    """Statistic of the variance explained by every law, and last the lead, (samples, laws + 1)."""
    risen = (frame["estimate"] - frame["chance"]) / (frame["ceiling"] - frame["chance"])
    y, rivals = risen.to_numpy(float), [LAWS.index(law) for law in RIVALS]
    size = np.log(frame["dataset_size"].to_numpy(float))[:, None]
    x = size - np.log(candidate_laws(frame))
    folds = [
        (part.index.to_numpy(), part.groupby(["v", "m"]).ngroup().to_numpy())
        for _, part in frame.groupby(SHAPE)
    ]

    def one(weights: np.ndarray) -> np.ndarray:
        missed, spread = np.zeros(len(LAWS)), 0.0
        for rows, settings in folds:
            spread += _squares(y[rows], weights[rows])
            part = y[rows], weights[rows], settings
            missed += [_missed(scaled, *part) for scaled in x[rows].T]
        explained = 1 - missed / spread
        return np.append(explained, explained[REFERENCE] - explained[rivals].max())

    return lambda weights: np.stack([one(row) for row in weights])


def _missed(x: np.ndarray, y: np.ndarray, weights: np.ndarray, settings: np.ndarray) -> float:
    """Sum of squares between each setting and the curve through all the others."""
    total = 0.0
    for setting in range(settings.max() + 1):
        own = settings == setting
        others = ~own & (weights > 0)
        places, curve = _rising_curve(x[others], y[others], weights[others])
        total += weights[own] @ (y[own] - np.interp(x[own], places, curve)) ** 2
    return float(total)


def _rising_curve(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places and heights of the rising curve through points, those at one place averaged first.

    (Grammars of a setting share their dataset sizes, and must not be told apart by their order.)
    """
    # Rounded, so that places which differ in their last digits only are one.
    places, group = np.unique(x.round(9), return_inverse=True)
    total = np.bincount(group, weights)
    means = np.bincount(group, weights * y) / total
    return places, isotonic_regression(means, weights=total).x


def _squares(y: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ (y - np.average(y, weights=weights)) ** 2)
