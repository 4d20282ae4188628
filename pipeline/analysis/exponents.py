"""Exponents of P*_l, the dataset size at which level l is learnt, in m, v and the level."""

from typing import cast

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from pipeline.analysis.bootstrap import Interval, Statistic, hierarchical_bootstrap
from pipeline.analysis.curves import GRAMMAR, REPLICA, all_inside
from pipeline.analysis.groups import grouped
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key
from pipeline.base.types import Values

_COLUMNS = [
    "quantity",
    "level",
    "variable",
    "estimate",
    "low",
    "high",
    "prediction",
    "misfit",
    "grammars",
    "replicas",
]
SHAPE = ["s", "L", "level"]
"""What the law's constant may depend on: the law says how P*_l grows, but only up to a factor."""


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
    - `law_exponent`: on the log of v m**(l+1) / (1 - m / v**(s-1)), levels from 2 up, together and
      one by one, an intercept for every level of trees of one shape (s, L); law 1. Without these
      intercepts, most of the spread would be that between levels, not the growth with m and v.
    - `m_exponent`, `v_exponent`: on log m and log v together at one level, an intercept for every
      (s, L); laws l+1 and 1, none for level 1. The factor 1 / (1 - m / v**(s-1)) of the prediction
      also grows with m and falls with v; `..._adjusted` are the slopes once it is divided out.

    Args:
        sample_complexity: rows of that table, of one quantity.
        samples: resamples of the bootstrap.
        key: stream key.

    Returns:
        One row a slope: quantity, level (NaN for slopes over levels), variable, estimate and its
        95 % bounds (NaN where a setting has one grammar), prediction, for slopes of the law their
        `misfit` (see `lack_of_fit`), and the numbers of grammars and of replicas behind it.

    Raises:
        PipelineError: a replica has several thresholds of a level.
    """
    rows = []
    for variable in ("dataset_size", "step"):
        frame = usable(sample_complexity, variable)
        rows += _level_exponent(frame, variable, samples, stream_key(key, variable))
        if variable == "dataset_size":
            rows += _law_exponent(frame, samples, stream_key(key, "law"))
            for level, part in grouped(frame, "level"):
                rows += _setting_exponents(part, int(level), samples, stream_key(key, int(level)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _level_exponent(frame: pd.DataFrame, variable: str, samples: int, key: int) -> list[Values]:
    deep = frame[(frame["level"] >= 2) & (frame["m"] > 1)]
    # A replica with one level says nothing of the slope, and is not to be counted behind it.
    deep = deep[deep.groupby(REPLICA)["level"].transform("nunique") >= 2]
    regressor = (deep["level"] * np.log(deep["m"])).to_numpy()[:, None]
    fit = fit_slopes(deep, regressor, np.log(deep["threshold"]), REPLICA, samples, key)
    return _rows(deep, variable, fit, {"level_exponent": 1.0})


def _law_exponent(frame: pd.DataFrame, samples: int, key: int) -> list[Values]:
    deep = frame[frame["level"] >= 2]
    parts = [(np.nan, deep), *grouped(deep, "level")]
    rows = []
    for level, part in parts:
        x, y = np.log(part["predicted"].to_numpy(float)), np.log(part["threshold"])
        fit = fit_slopes(part, x[:, None], y, SHAPE, samples, stream_key(key, f"{level}"))
        found = _rows(part, "dataset_size", fit, {"law_exponent": 1.0}, level)
        rows += [{**row, "misfit": lack_of_fit(part, x, y.to_numpy())} for row in found]
    return rows


def lack_of_fit(frame: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> float:
    """Probability that a straight line would miss the settings by more, if it was the truth.

    F test (Draper & Smith 1998, section 2.1) of the means of settings and levels around a line,
    with an intercept for every level of one shape, against the spread of grammars within them;
    replicas of a grammar are averaged first.

    Returns:
        The probability, NaN where there are no more means than parameters, or nothing varies.
    """
    replicas = frame.assign(x=x, y=y).groupby([*GRAMMAR, "level", "grammar_seed"], as_index=False)
    grammars = replicas[["x", "y"]].mean()
    cells = grammars.groupby([*GRAMMAR, "level"], as_index=False).agg(
        x=("x", "mean"), y=("y", "mean"), n=("y", "size"), spread=("y", "var")
    )
    within = cells["n"] - 1
    pure, pure_freedom = (within * cells["spread"].fillna(0.0)).sum(), within.sum()
    freedom = len(cells) - cells.groupby(SHAPE).ngroups - 1  # less intercepts and one slope
    if freedom < 1 or pure_freedom < 1 or pure == 0:
        return float("nan")
    weights = cells["n"].to_numpy(float)
    arguments = cells, cells[["x"]].to_numpy(), cells["y"].to_numpy(), SHAPE
    slope = slopes_of(*arguments)(weights[None])[0, 0]
    left = cells.assign(left=(cells["y"] - slope * cells["x"]) * weights, weight=weights)
    means = left.groupby(SHAPE)[["left", "weight"]].transform("sum")
    residual = left["left"] / weights - means["left"] / means["weight"]
    squares = (weights * residual**2).sum()
    return float(fdtrc(freedom, pure_freedom, squares / freedom / (pure / pure_freedom)))


def _setting_exponents(frame: pd.DataFrame, level: int, samples: int, key: int) -> list[Values]:
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
    statistic = slopes_of(frame, regressors, response.to_numpy(), within)
    if not regressors.size or np.isnan(statistic(np.ones((1, len(frame))))).any():
        return None
    return hierarchical_bootstrap(frame, statistic, samples, key)


def slopes_of(
    frame: pd.DataFrame, regressors: np.ndarray, response: np.ndarray, within: list[str]
) -> Statistic:
    """Weighted least squares of the response on the regressors, an intercept for every group.

    Args:
        frame: rows, of which the columns `within` tell the groups; with none, all are one.
        regressors: numbers (rows, slopes), logarithms.
        response: numbers (rows,).
        within: columns.

    Returns:
        Statistic of slopes (samples, slopes), NaN where the rows do not determine them all.
    """
    group = frame.groupby(within).ngroup().to_numpy() if within else np.zeros(len(frame), int)
    member = np.eye(group.max(initial=0) + 1)[group]
    # Centred by group at once: differences of large sums below would lose digits.
    numbers = np.column_stack([regressors, response])
    numbers = numbers - (member / member.sum(axis=0) @ (member.T @ numbers))
    pairs = numbers[:, :, None] * numbers[:, None, :]

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = weights @ member
        sums = np.einsum("sn,ng,nc->sgc", weights, member, numbers, optimize=True)
        means = sums / np.where(total > 0, total, 1.0)[:, :, None]
        products = np.einsum("sn,nab->sab", weights, pairs, optimize=True)
        products -= np.einsum("sga,sgb->sab", sums, means, optimize=True)
        return _solve(products[:, :-1, :-1], products[:, :-1, -1])

    return statistic


def _solve(squares: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Solutions of (samples) systems of equations, NaN for those of less than full rank."""
    # Logarithms are of order one: anything smaller than this is rounding of a constant column.
    known = np.linalg.eigvalsh(squares)[:, 0] > 1e-9
    found = np.full(products.shape, np.nan)
    found[known] = np.linalg.solve(squares[known], products[known][:, :, None])[:, :, 0]
    return found


def _rows(
    frame: pd.DataFrame, variable: str, fit: Interval | None, predictions: dict[str, float],
    level: float = np.nan,
) -> list[Values]:  # fmt: skip
    if fit is None:
        return []
    common = {
        "level": level,
        "variable": variable,
        "grammars": frame.groupby([*GRAMMAR, "grammar_seed"]).ngroups,
        "replicas": frame.groupby(REPLICA).ngroups,
    }
    slopes = cast("list[Values]", pd.DataFrame(fit._asdict()).to_dict("records"))
    return [
        {**common, "quantity": name, "prediction": predictions[name], **values}
        for name, values in zip(predictions, slopes, strict=True)
    ]
