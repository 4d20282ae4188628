"""Weights that are numbers, and the ones that are not."""

from collections.abc import Mapping

import numpy as np


def first_not_finite(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Name of the first array that holds NaN or infinity; None if all are finite."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
