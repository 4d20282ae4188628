"""Numbers measured on samples at several training steps, over the networks of one training set."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

NETWORK = ["setting", "data_seed", "network_seed"]
NORMAL = 1.96
"""Standard errors to either side that make a 95 % interval."""


def largest_training_set(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of one dataset size: online if it is there, else the largest."""
    sizes = frame["dataset_size"].unique()
    chosen = "online" if "online" in sizes else max(sizes, key=int)
    return frame[frame["dataset_size"] == chosen]


def first_network(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first network of those that were trained on the largest training set."""
    frame = largest_training_set(frame)
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
