"""Exponents of P*_l, the dataset size at which level l is learnt, in m, v and the level."""

import numpy as np
import pandas as pd

from pipeline.analysis.bootstrap import Interval, hierarchical_bootstrap
from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside
from pipeline.errors import PipelineError
from pipeline.randomness import stream_key

_COLUMNS = [
    "quantity",
    "level",
    "variable",
    "estimate",
    "low",
    "high",
    "prediction",
    "grammars",
    "replicas",
]


def usable(sample_complexity: pd.DataFrame, variable: str) -> pd.DataFrame:
    """Thresholds of one variable, of the settings and levels where all lie inside the range.

    Only those with a finite prediction.

    Raises:
        PipelineError: a replica has several thresholds of a level, say of two quantities.
    """
    finite = np.isfinite(sample_complexity["predicted"].astype(float))  # untyped if empty
    frame = sample_complexity[finite & (sample_complexity["variable"] == variable)]
    if frame.duplicated([*REPLICA, "level"]).any():
        raise PipelineError("sample_complexity has several quantities: select the rows of one")
    return all_inside(frame, [*GRAMMAR, "level"])


def exponents(sample_complexity: pd.DataFrame, samples: int, key: int) -> pd.DataFrame:
    """Slopes of log P*_l, each only where the design determines it.

    - `level_exponent`: on l log m, levels from 2 up, an intercept for every replica; law 1. Also
      for the variable `step`, where 1 means that learning is limited by the strings seen.
    - `law_exponent`: on the log of v m**(l+1) / (1 - m / v**(s-1)), levels from 2 up, one intercept
      for all; law 1.
    - `m_exponent`, `v_exponent`: on log m and log v together at one level, an intercept for every
      (s, L); laws l+1 and 1, none for level 1. The factor 1 / (1 - m / v**(s-1)) of the prediction
      also grows with m and falls with v; `..._adjusted` are the slopes once it is divided out.

    Args:
        sample_complexity: rows of that table, of one quantity.
        samples: resamples of the bootstrap.
        key: stream key.

    Returns:
        One row a slope: quantity, level (NaN for slopes over levels), variable, estimate and its
        95 % bounds (NaN where a setting has one grammar), prediction, and the numbers of grammars
        and of replicas behind it.

    Raises:
        PipelineError: a replica has several thresholds of a level.
    """
    rows = []
    for variable in ("dataset_size", "step"):
        frame = usable(sample_complexity, variable)
        rows += _level_exponent(frame, variable, samples, stream_key(key, variable))
        if variable == "dataset_size":
            rows += _law_exponent(frame, samples, stream_key(key, "law"))
            for level, part in frame.groupby("level"):
                rows += _setting_exponents(part, int(level), samples, stream_key(key, int(level)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _level_exponent(frame: pd.DataFrame, variable: str, samples: int, key: int) -> list[dict]:
    deep = frame[(frame["level"] >= 2) & (frame["m"] > 1)]
    # A replica with one level says nothing of the slope, and is not to be counted behind it.
    deep = deep[deep.groupby(REPLICA)["level"].transform("nunique") >= 2]
    regressor = (deep["level"] * np.log(deep["m"])).to_numpy()[:, None]
    fit = fit_slopes(deep, regressor, np.log(deep["threshold"]), REPLICA, samples, key)
    return _rows(deep, variable, fit, {"level_exponent": 1.0})


def _law_exponent(frame: pd.DataFrame, samples: int, key: int) -> list[dict]:
    deep = frame[frame["level"] >= 2]
    regressor = np.log(deep["predicted"]).to_numpy()[:, None]
    fit = fit_slopes(deep, regressor, np.log(deep["threshold"]), [], samples, key)
    return _rows(deep, "dataset_size", fit, {"law_exponent": 1.0})


def _setting_exponents(frame: pd.DataFrame, level: int, samples: int, key: int) -> list[dict]:
    """Slopes in log m and log v at one level, with and without the factor of the prediction."""
    laws = {"m": level + 1.0, "v": 1.0} if level >= 2 else {"m": np.nan, "v": np.nan}
    peers = frame.groupby(["s", "L"])
    varied = [name for name in laws if (peers[name].nunique() > 1).any()]
    regressors = np.log(frame[varied].to_numpy(float))
    factor = frame["predicted"] / (frame["v"] * frame["m"] ** (level + 1.0))
    rows = []
    for suffix, sizes in (("", frame["threshold"]), ("_adjusted", frame["threshold"] / factor)):
        fit = fit_slopes(frame, regressors, np.log(sizes), ["s", "L"], samples, key)
        predictions = {f"{name}_exponent{suffix}": laws[name] for name in varied}
        rows += _rows(frame, "dataset_size", fit, predictions, level)
    return rows


def fit_slopes(
    frame: pd.DataFrame, regressors: np.ndarray, response: pd.Series, within: list[str],
    samples: int, key: int,
) -> Interval | None:  # fmt: skip
    """Slopes and intervals, or None where the design does not determine them."""
    group = frame.groupby(within).ngroup().to_numpy() if within else np.zeros(len(frame), int)
    numbers = np.column_stack([regressors, response.to_numpy()])

    def statistic(_: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        return _slopes(numbers, group, weights)

    if not regressors.size or np.isnan(statistic(frame, np.ones(len(frame)))).any():
        return None
    return hierarchical_bootstrap(frame, statistic, samples, key)


def _slopes(numbers: np.ndarray, group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted least squares of the last column on the others, an intercept for every group.

    Returns:
        Slopes (columns - 1,), NaN where the regressors do not determine them all.
    """
    total = np.bincount(group, weights)
    sums = np.stack([np.bincount(group, weights * column) for column in numbers.T], axis=1)
    means = sums / np.where(total > 0, total, 1.0)[:, None]
    centred = (numbers - means[group]) * np.sqrt(weights)[:, None]
    design = centred[:, :-1]
    # Logarithms are of order one: anything smaller than this is rounding of a constant column.
    if np.linalg.matrix_rank(design, tol=1e-8) < design.shape[1]:
        return np.full(design.shape[1], np.nan)
    return np.linalg.lstsq(design, centred[:, -1], rcond=None)[0]


def _rows(
    frame: pd.DataFrame, variable: str, fit: Interval | None, predictions: dict[str, float],
    level: float = np.nan,
) -> list[dict]:  # fmt: skip
    if fit is None:
        return []
    common = {
        "level": level,
        "variable": variable,
        "grammars": frame.groupby([*GRAMMAR, "grammar_seed"]).ngroups,
        "replicas": frame.groupby(REPLICA).ngroups,
    }
    return [
        {**common, "quantity": name, "prediction": predictions[name], **values}
        for name, values in zip(
            predictions, pd.DataFrame(fit._asdict()).to_dict("records"), strict=True
        )
    ]
