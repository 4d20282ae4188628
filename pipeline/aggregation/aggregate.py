"""Stage `aggregate`: the parts of all cells of a setting become one tidy table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts, tables
from pipeline.config.grid import Cell, parse_replicas, parse_setting

_RIGHT = ["v", "m", "s", "L", "grammar_seed", "quantity", "level"]
"""What an accuracy and its ceiling have in common."""


def aggregate(spec: dict, parts: Sequence[Path], ceilings: Sequence[Path], output: Path) -> None:
    """Concatenate one table of the cells of a setting that are not missing.

    Args:
        spec: spec of the stage, with the cells of the setting and the labels of missing ones.
        parts: the table of every cell that is there, in the order of the cells.
        ceilings: accuracies of the exact denoiser to put beside those measured, or nothing.
        output: one row per replica, step and number; its name is the kind of table.
    """
    kind, settings = output.stem, spec["settings"]
    cells = [Cell(*wildcards) for wildcards in settings["cells"]]
    there = [cell for cell in cells if cell.label not in settings["missing"]]
    frame = pd.concat([_part(*pair, kind) for pair in zip(there, parts, strict=True)])
    for path in ceilings:
        frame = frame.merge(_configured_ceilings(path), on=_RIGHT, how="left", validate="m:1")
    upstream = {"upstream": _distinct_settings([tables.read_stamp(path) for path in parts])}
    tables.write_table(output, frame, artifacts.make_stamp(kind, spec, {}) | upstream)


def _part(cell: Cell, path: Path, kind: str) -> pd.DataFrame:
    """A cell's table, with columns that say which cell it is instead of the place in its job."""
    frame = tables.read_table(path, kind)
    if "replica" not in frame:
        return frame
    replicas = parse_replicas(cell.replicas)
    for name in reversed(tables.SEEDS):
        seeds = [getattr(replicas[r], name) for r in frame["replica"]]
        if None not in seeds:
            frame.insert(0, name, seeds)
    frame.insert(0, "dataset_size", cell.dataset_size)
    for name, value in reversed(parse_setting(cell.setting).items()):
        frame.insert(0, name, value)
    return frame.drop(columns="replica")


def _configured_ceilings(path: Path) -> pd.DataFrame:
    """For each grammar, accuracy and level, what the exact denoiser reaches with our sampler."""
    frame = tables.read_table(path, "ceilings")
    return frame[frame["configured"]].rename(columns={"estimate": "ceiling"})[[*_RIGHT, "ceiling"]]


def _distinct_settings(stamps: Sequence[Mapping]) -> list[dict]:
    """Settings of the stages behind the parts; one entry if all agree."""
    found = []
    for stamp in stamps:
        specs = {**stamp.get("upstream", {}), stamp["spec"]["stage"]: stamp["spec"]}
        settings = {stage: dict(spec["settings"]) for stage, spec in specs.items()}
        settings.get("train", {}).pop("cell", None)
        if settings not in found:
            found.append(settings)
    return found
