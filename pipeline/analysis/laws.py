"""Competing laws of the sample complexity, scored on settings they were not fitted to.

Levels from 2 up only, with a constant of its own for every law and every level of trees of one
shape (s, L): what is compared is how P*_l grows with m and v. Laws whose ratio is then constant
cannot be told apart: at level 2 m^(l+1), m^(2l-1) and m^3 are the same, and it takes several m at
level 3 to tell these.
"""

import numpy as np
import pandas as pd

from pipeline.analysis.bootstrap import Statistic, hierarchical_bootstrap
from pipeline.analysis.curves import GRAMMAR, REPLICA
from pipeline.analysis.exponents import SHAPE, usable

EXPONENTS = {
    "m^l": lambda level: level,
    "m^(l+1/2)": lambda level: level + 0.5,
    "m^(l+1)": lambda level: level + 1,
    "m^(l+3/2)": lambda level: level + 1.5,
    "m^(l+2)": lambda level: level + 2,
    "m^(2l-1)": lambda level: 2 * level - 1,
    "m^3": lambda level: 3 + 0 * level,  # of the shape of the levels
}
"""Exponent of m as a function of the level; every law is v times that power of m."""

LAWS = [(law, factor) for law in EXPONENTS for factor in (True, False)]
"""Power of m, and whether it is multiplied by 1 / (1 - m / v**(s-1))."""

REFERENCE = LAWS.index(("m^(l+1)", True))
"""The prediction in the table."""

RIVALS = [law for law in LAWS if law[0] != "m^(l+1)"]
"""Laws of another power, which the prediction has to beat."""

_COLUMNS = [
    "law",
    "factor",
    "error",
    "error_low",
    "error_high",
    "difference",
    "difference_low",
    "difference_high",
    "levels",
    "settings",
    "grammars",
    "replicas",
]


def compare_laws(sample_complexity: pd.DataFrame, samples: int, key: int) -> pd.DataFrame:
    """Errors with which each law predicts one setting after the other from all the others.

    Args:
        sample_complexity: rows of that table, of one quantity.
        samples: resamples of the bootstrap, which fits the constants anew.
        key: stream key.

    Returns:
        One row per law and factor, none where no level has two settings. `error` is the root mean
        square over all thresholds in decades, `difference` that error less the one of m^(l+1) with
        the factor; both with 95 % bounds, NaN where a setting has one grammar. The difference is
        NaN where the two laws cannot be told apart. Numbers of levels, settings, grammars and
        replicas behind it.

    Raises:
        PipelineError: a replica has several thresholds of a level.
    """
    frame = comparable(usable(sample_complexity, "dataset_size"))
    if frame.empty:
        return pd.DataFrame(columns=_COLUMNS)
    fit = hierarchical_bootstrap(frame, held_out_scores(frame), samples, key)
    table = pd.DataFrame(LAWS, columns=["law", "factor"])
    for i, name in enumerate(("error", "difference")):
        for suffix, values in zip(("", "_low", "_high"), fit, strict=True):
            table[f"{name}{suffix}"] = values[i]
    # Widening may push the bound of an error below zero.
    table["error_low"] = table["error_low"].clip(lower=0.0)
    return table.assign(**_sizes(frame))[_COLUMNS]


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of levels from 2 up that have another setting to be predicted from.

    Not those where every tuple is valid, so that the prediction is infinite.
    """
    deep = frame[(frame["level"] >= 2) & (frame["m"] < frame["v"] ** (frame["s"] - 1))]
    settings = deep.assign(setting=deep.groupby(GRAMMAR).ngroup()).groupby(SHAPE)["setting"]
    return deep[settings.transform("nunique") >= 2].reset_index(drop=True)


def candidate_laws(frame: pd.DataFrame) -> np.ndarray:
    """Sizes that the laws predict up to a constant, (rows, laws) in the order of `LAWS`."""
    v, m, s, level = (frame[name].to_numpy(float) for name in ("v", "m", "s", "level"))
    unused = 1 - m / v ** (s - 1)
    powers = [v * m ** EXPONENTS[law](level) / (unused if factor else 1.0) for law, factor in LAWS]
    return np.stack(powers, axis=1)


def held_out_scores(frame: pd.DataFrame) -> Statistic:
    """Statistic of errors and of differences to the reference, (samples, 2, laws), in decades."""
    logs = np.log10(candidate_laws(frame))
    offsets = np.log10(frame["threshold"].to_numpy(float))[:, None] - logs
    same = ~_told_apart(frame, logs)

    def statistic(weights: np.ndarray) -> np.ndarray:
        squares = held_out_errors(frame, offsets, weights) ** 2
        mean = np.einsum("sn,snl->sl", weights, squares) / weights.sum(axis=1, keepdims=True)
        errors = np.sqrt(mean)
        differences = np.where(same, np.nan, errors - errors[:, [REFERENCE]])
        return np.stack([errors, differences], axis=1)

    return statistic


def held_out_positions(frame: pd.DataFrame) -> Statistic:
    """Statistic of where held-out settings lie between the reference, at 0, and each law, at 1.

    With e the held-out error of the reference, and h how much smaller that of another law is, the
    position is the factor by which h fits e best, by least squares. If that law is true, it is 1 on
    average, so an interval below 1 rejects the law. (Errors alone say which of two laws is nearer,
    which takes more data than to reject one.)

    Returns:
        Of weights (samples, rows), positions (samples, laws), NaN for a law that these settings
        cannot tell from the reference.
    """
    logs = np.log10(candidate_laws(frame))
    offsets = np.log10(frame["threshold"].to_numpy(float))[:, None] - logs
    same = ~_told_apart(frame, logs)

    def statistic(weights: np.ndarray) -> np.ndarray:
        errors = held_out_errors(frame, offsets, weights)
        reference = errors[:, :, [REFERENCE]]
        smaller = reference - errors
        share = np.einsum("sn,snl->sl", weights, reference * smaller)
        scale = np.einsum("sn,snl->sl", weights, smaller**2)
        return np.where(same, np.nan, share / np.where(same, 1.0, scale))

    return statistic


def held_out_errors(frame: pd.DataFrame, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Offsets less their mean over the same level of all other settings.

    Args:
        frame: rows of thresholds, of which `GRAMMAR` and `SHAPE` are looked at.
        offsets: logarithms of thresholds less those of laws, (rows, laws).
        weights: of the rows, (samples, rows).

    Returns:
        Errors (samples, rows, laws); NaN where no other setting has any weight.
    """
    shape, cell = (
        frame.groupby(names).ngroup().to_numpy() for names in (SHAPE, [*GRAMMAR, "level"])
    )
    weighted = weights[:, :, None] * np.column_stack([offsets, np.ones(len(offsets))])
    of_shape, own = (
        np.einsum("snl,ng->sgl", weighted, np.eye(group.max() + 1)[group], optimize=True)[:, group]
        for group in (shape, cell)
    )
    others = of_shape - own
    total = others[:, :, -1:]
    known = total > 1e-9  # sums of weights: less is rounding
    return offsets - np.where(known, others[:, :, :-1] / np.where(known, total, 1.0), np.nan)


def _told_apart(frame: pd.DataFrame, logs: np.ndarray) -> np.ndarray:
    """Which laws differ from the reference by more than one constant per level, bool (laws,)."""
    ratio = pd.DataFrame(logs - logs[:, [REFERENCE]]).groupby([frame[name] for name in SHAPE])
    return ((ratio.max() - ratio.min()) > 1e-9).any().to_numpy()  # less is rounding


def _sizes(frame: pd.DataFrame) -> dict[str, int]:
    return {
        "levels": frame["level"].nunique(),
        "settings": frame.groupby(GRAMMAR).ngroups,
        "grammars": frame.groupby([*GRAMMAR, "grammar_seed"]).ngroups,
        "replicas": frame.groupby(REPLICA).ngroups,
    }
