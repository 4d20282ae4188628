"""Stage `aggregate`: the parts of all cells of a setting become one tidy table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.analysis.checkpoints import with_best_checkpoints
from pipeline.analysis.settings import Aggregation
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.labels import Cell, parse_replicas, parse_setting
from pipeline.base.spec import Spec

_RIGHT = ["v", "m", "s", "L", "grammar_seed", "quantity", "level"]
"""What an accuracy and its ceiling have in common."""


def aggregate(
    spec: Spec[Aggregation],
    parts: Sequence[Path],
    losses: Sequence[Path],
    ceilings: Sequence[Path],
    output: Path,
) -> None:
    """Concatenate one table of the cells of a setting that are not missing, and flag the best.

    Args:
        spec: spec of the stage, with the cells of the setting and the labels of missing ones.
        parts: the table of every cell that is there, in the order of the cells.
        losses: the setting's table of losses, which tell the best checkpoints; nothing if it is
            this table.
        ceilings: accuracies of the exact denoiser to put beside those measured, or nothing.
        output: one row per replica, step and number; its name is the kind of table.
    """
    kind, missing = output.stem, set(spec.settings.missing)
    there = [cell for cell in spec.settings.cells if cell.label not in missing]
    read = [tables.read_arrow(path, kind) for path in parts]
    placed = [_placed(cell, part) for cell, (part, _) in zip(there, read, strict=True)]
    rows = tables.concatenate(placed)
    known = [tables.read_arrow(path, "losses")[0] for path in losses]
    rows = with_best_checkpoints(rows, *(known or [rows]))
    for path in ceilings:
        rows = rows.append_column("ceiling", _ceilings_of(rows, path))
    upstream = {"upstream": _distinct_settings([stamp for _, stamp in read])}
    tables.write_arrow(output, rows, make_stamp(kind, spec, {}) | upstream)


def _placed(cell: Cell, rows: pa.Table) -> pa.Table:
    """A cell's rows, with columns that say which cell it is instead of the place in its job."""
    if "replica" not in rows.column_names:
        return rows
    place = {**parse_setting(cell.setting), "dataset_size": cell.dataset_size}
    columns: dict[str, pa.Array[Any] | pa.ChunkedArray[Any]]
    columns = {name: pa.repeat(value, len(rows)) for name, value in place.items()}
    replicas = parse_replicas(cell.replicas)
    for name in tables.SEEDS:
        seeds = [getattr(replica, name) for replica in replicas]
        if None not in seeds:
            columns[name] = pa.array(seeds, pa.int64()).take(rows["replica"])
    others = {name: rows[name] for name in rows.column_names if name != "replica"}
    placed = {**columns, **others}
    return pa.Table.from_arrays(list(placed.values()), list(placed))


def _ceilings_of(rows: pa.Table, path: Path) -> "pa.Array[Any]":
    """For each row what the exact denoiser reaches with our sampler; null where that is unknown."""
    ceilings = tables.read_table(path, "ceilings")
    known = ceilings[ceilings["configured"]].rename(columns={"estimate": "ceiling"})
    keys = rows.select(_RIGHT).to_pandas()
    found = keys.merge(known[[*_RIGHT, "ceiling"]], on=_RIGHT, how="left", validate="m:1")
    return pa.array(found["ceiling"], from_pandas=True)


def _distinct_settings(stamps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Settings of the stages behind the parts; one entry if all agree."""
    found = []
    for stamp in stamps:
        specs = {**stamp.get("upstream", {}), stamp["spec"]["stage"]: stamp["spec"]}
        settings = {stage: dict(spec["settings"]) for stage, spec in specs.items()}
        settings.get("train", {}).pop("cell", None)
        if settings not in found:
            found.append(settings)
    return found
