"""Which checkpoint of a replica is the best: that of its lowest validation loss.

It is found in Arrow columns, since `aggregate` starts without pandas.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifacts.tables import SEEDS

FLAG = "best_checkpoint"
_REPLICA = ("v", "m", "s", "L", "setting", *SEEDS, "dataset_size")
"""Columns that tell replicas apart; which of them a table has depends on its domain."""


def best_checkpoints(losses: pa.Table) -> pa.Table:
    """Where the validation loss over all noise levels is lowest; the earliest of equal ones.

    Args:
        losses: a table of losses.

    Returns:
        A row per replica: the columns that tell it from others, and `step`.
    """
    whole = (pc.field("noise_low") == 0) & (pc.field("noise_high") == 1)
    chosen = whole & (pc.field("split") == "validation") & ~pc.field("loss").is_null(True)
    ordered = losses.filter(chosen).sort_by([("loss", "ascending"), ("step", "ascending")])
    replica = [name for name in _REPLICA if name in losses.column_names]
    first = ordered.group_by(replica, use_threads=False).aggregate([("step", "first")])
    return first.select([*replica, "step_first"]).rename_columns([*replica, "step"])


def with_best_checkpoints(rows: pa.Table, losses: pa.Table) -> pa.Table:
    """Rows of checkpoints with one more column: whether they are of their replica's best one.

    Args:
        rows: of a table that has the columns of replicas, and `step`.
        losses: the table of losses of the same replicas.
    """
    best = best_checkpoints(losses)
    known, wanted = (_places(table, best.column_names) for table in (rows, best))
    return rows.append_column(FLAG, pc.is_in(known, value_set=wanted))


def _places(rows: pa.Table, columns: Sequence[str]) -> "pa.ChunkedArray[Any]":
    """What some columns say together, as a text for every row."""
    texts = [rows[name].cast(pa.string()) for name in columns]
    join: Any = pc.binary_join_element_wise  # whose type lacks the separator
    joined: pa.ChunkedArray[Any] = join(*texts, "/", null_handling="replace")
    return joined
