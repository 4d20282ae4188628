"""Groups of the rows of a table, with keys that are typed."""

from collections.abc import Iterator
from typing import Any

import pandas as pd


def grouped(
    frame: pd.DataFrame, by: str | list[str], dropna: bool = True, sort: bool = True
) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Groups of rows, each with its key: a value of the column, or a tuple of those of several.

    This is pandas' `groupby`, which says of its keys only that they can be hashed.
    """
    return iter(frame.groupby(by, dropna=dropna, sort=sort))
