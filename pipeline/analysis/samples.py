"""Numbers measured on samples at several training steps, over the networks of one training set."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

NETWORK = ["setting", "data_seed", "network_seed"]
NORMAL = 1.96
"""Standard errors to either side that make a 95 % interval."""


def of_weights(frame: pd.DataFrame, average: float | None) -> pd.DataFrame:
    """Rows of samples of averaged weights of one decay, or with None of weights of the step."""
    same = frame["average"].isna() if average is None else frame["average"] == average
    return frame[same]


def largest_training_set(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of one dataset size: online if it is there, else the largest."""
    sizes = frame["dataset_size"].unique()
    chosen = "online" if "online" in sizes else max(sizes, key=int)
    return frame[frame["dataset_size"] == chosen]


def shown_samples(frame: pd.DataFrame, average: float | None) -> pd.DataFrame:
    """Rows of one kind of weights and of the largest training set."""
    return largest_training_set(of_weights(frame, average))


def first_network(frame: pd.DataFrame, average: float | None) -> pd.DataFrame:
    """Rows of `shown_samples` of the first network."""
    frame = shown_samples(frame, average)
    return frame.merge(frame[NETWORK].drop_duplicates().iloc[:1], on=NETWORK)


def mean_over_networks(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean estimate and half-width of the 95 % interval over samples of one network.

    All networks are compared with the same real data, so their errors are not independent and need
    not average out. The root mean square of their standard errors is taken, as if none of them did:
    at least the error of the mean, however the errors of networks are correlated.

    Returns:
        One row per group, with `mean` and `error`.
    """
    squares = frame.assign(variance=frame["standard_error"] ** 2)
    groups = squares.groupby(list(by), dropna=False)
    error = NORMAL * np.sqrt(groups["variance"].mean())
    return groups["estimate"].mean().rename("mean").to_frame().assign(error=error).reset_index()


def square_root(summary: pd.DataFrame) -> pd.DataFrame:
    """Root of squares with bars `down` and `up`; what is not above zero cannot be shown."""
    summary = summary[summary["mean"] > 0]
    root = np.sqrt(summary["mean"])
    low = np.sqrt((summary["mean"] - summary["error"]).clip(lower=0))
    high = np.sqrt(summary["mean"] + summary["error"])
    return summary.assign(mean=root, down=root - low, up=high - root)
