"""Competing laws of the sample complexity, scored on grammars they were not fitted to.

Levels from 2 up only. Every law has a constant of its own, so laws whose ratio is constant cannot
be told apart. In one setting m^l and m^(l+1) are such, and so is the factor 1 / (1 - m / v**(s-1)):
it takes several m, and for the factor several v or m, to decide. The laws m^(2l-1) and m^3 coincide
with m^(l+1) at level 2, so it takes levels 2 and 3 to tell them apart; and with one level in one
setting all laws are the same.
"""

import numpy as np
import pandas as pd

from pipeline.analysis.bootstrap import hierarchical_bootstrap
from pipeline.analysis.curves import GRAMMAR, REPLICA
from pipeline.analysis.exponents import usable
from pipeline.randomness import stream_key

EXPONENTS = {
    "m^l": lambda level: level,
    "m^(l+1)": lambda level: level + 1,
    "m^(2l-1)": lambda level: 2 * level - 1,
    "m^3": lambda level: 3 + 0 * level,
}
"""Exponent of m as a function of the level; every law is v times that power of m."""

LAWS = [(law, factor) for law in EXPONENTS for factor in (True, False)]
"""Power of m, and whether it is multiplied by 1 / (1 - m / v**(s-1))."""

REFERENCE = LAWS.index(("m^(l+1)", True))
"""The prediction in the table."""

_COLUMNS = [
    "law",
    "factor",
    "variable",
    "held_out",
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


def compare_laws(
    sample_complexity: pd.DataFrame, samples: int, key: int, variable: str = "dataset_size"
) -> pd.DataFrame:
    """Errors with which each law, times one fitted constant, predicts what it was not fitted to.

    Held out is one grammar of one setting at a time, or one whole setting.

    Args:
        sample_complexity: rows of that table, of one quantity.
        samples: resamples of the bootstrap, which fits the constants anew; all copies of a grammar
            are held out together.
        key: stream key.
        variable: `dataset_size` or `step`, whose units the constant absorbs.

    Returns:
        One row per law, factor and kind of `held_out` (`grammar` where there are two or more,
        `setting` likewise; otherwise none). `error` is the root mean square over all held-out
        thresholds in decades, `difference` that error less the one of m^(l+1) with the factor on
        the same thresholds; both with 95 % bounds, NaN where a setting has one grammar. The
        difference is NaN where the two laws differ by a constant only (see above). Numbers of
        levels, settings, grammars and replicas behind it. In simulations with two settings of four
        grammars and noise as large as the differences, nominal 95 % bounds held 90 to 97 % of the
        errors and 83 to 95 % of the differences, which are less linear in the noise.

    Raises:
        PipelineError: a replica has several thresholds of a level.
    """
    frame = usable(sample_complexity, variable)
    frame = frame[frame["level"] >= 2].reset_index(drop=True)
    logs = np.log10(candidate_laws(frame))
    offsets = np.log10(frame["threshold"].to_numpy())[:, None] - logs
    told_apart = np.ptp(logs - logs[:, [REFERENCE]], axis=0) > 1e-9 if len(frame) else None
    rows = []
    for held_out, unit in (("grammar", [*GRAMMAR, "grammar_seed"]), ("setting", GRAMMAR)):
        folds = frame.groupby(unit).ngroup().to_numpy()
        if len(np.unique(folds)) < 2:
            continue
        scores = _scores(frame, offsets, folds, samples, stream_key(key, held_out))
        scores.loc[~told_apart, ["difference", "difference_low", "difference_high"]] = np.nan
        rows.append(scores.assign(variable=variable, held_out=held_out, **_sizes(frame)))
    return pd.concat(rows)[_COLUMNS] if rows else pd.DataFrame(columns=_COLUMNS)


def candidate_laws(frame: pd.DataFrame) -> np.ndarray:
    """Sizes that the laws predict up to a constant, (rows, laws) in the order of `LAWS`."""
    v, m, s, level = (frame[name].to_numpy(float) for name in ("v", "m", "s", "level"))
    unused = 1 - m / v ** (s - 1)
    powers = [v * m ** EXPONENTS[law](level) / (unused if factor else 1.0) for law, factor in LAWS]
    return np.stack(powers, axis=1)


def held_out_errors(offsets: np.ndarray, folds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Offsets, (rows, laws), less their weighted mean over the rows of all other folds, (rows,).

    NaN for rows whose fold has all the weight: nothing is left to fit the constant to.
    """
    weighted = weights[:, None] * np.column_stack([offsets, np.ones(len(offsets))])
    own = np.stack([np.bincount(folds, column) for column in weighted.T], axis=1)
    others = weighted.sum(axis=0) - own
    total = others[:, -1:]
    constants = np.where(total > 0, others[:, :-1] / np.where(total > 0, total, 1.0), np.nan)
    return offsets - constants[folds]


def _scores(
    frame: pd.DataFrame, offsets: np.ndarray, folds: np.ndarray, samples: int, key: int
) -> pd.DataFrame:
    """Root mean square errors, and differences to the reference, over the same resamples."""

    def statistic(_: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        errors = held_out_errors(offsets, folds, weights)
        error = np.sqrt(weights @ errors**2 / weights.sum())
        return np.stack([error, error - error[REFERENCE]])

    values, low, high = hierarchical_bootstrap(frame, statistic, samples, key)
    low[0] = np.maximum(low[0], 0.0)  # widening may push the bound of an error below zero
    table = pd.DataFrame(LAWS, columns=["law", "factor"])
    for i, name in enumerate(("error", "difference")):
        table[name], table[f"{name}_low"], table[f"{name}_high"] = values[i], low[i], high[i]
    return table


def _sizes(frame: pd.DataFrame) -> dict[str, int]:
    return {
        "levels": frame["level"].nunique(),
        "settings": frame.groupby(GRAMMAR).ngroups,
        "grammars": frame.groupby([*GRAMMAR, "grammar_seed"]).ngroups,
        "replicas": frame.groupby(REPLICA).ngroups,
    }
