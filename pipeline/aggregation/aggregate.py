"""Stage `aggregate`: the parts of all cells of a domain become tidy tables."""

from pathlib import Path

import pandas as pd

from pipeline import artifacts, tables
from pipeline.config.grid import Cell, cell_directory, cells, parse_replicas, parse_setting
from pipeline.config.rhm import Grid

_RIGHT = ["v", "m", "s", "L", "grammar_seed", "quantity", "level"]
"""What an accuracy and its ceiling have in common."""


def aggregate(
    spec: dict, root: Path, ceilings: Path, measurements: Path, losses: Path, probes: Path
) -> None:
    """Concatenate measurements, losses and probes of the cells of a grid that are not missing.

    Args:
        spec: spec of the stage, with the grid and the labels of missing cells.
        root: directory of the run and domain, below which the cells lie.
        ceilings: accuracies of the exact denoiser.
        measurements: output, one row per replica, step and estimate.
        losses: output, one row per replica, step, split and range of noise levels.
        probes: output, one row per replica, step and estimate.
    """
    grid = Grid.model_validate(spec["settings"]["grid"])
    there = [cell for cell in cells(grid) if cell.label not in spec["settings"]["missing"]]
    directories = {cell: Path(cell_directory(str(root), cell)) for cell in there}
    parts = [directory / "measurements.parquet" for directory in directories.values()]
    upstream = {"upstream": _distinct_settings(parts)}
    frame = tables.read_tables(parts, "measurements")
    reached = _configured_ceilings(ceilings)
    frame = frame.merge(reached, on=_RIGHT, how="left", validate="many_to_one")
    stamp = artifacts.make_stamp("measurements", spec, {})
    tables.write_table(measurements, frame, stamp | upstream)
    frame = tables.read_tables([path / "probes.parquet" for path in directories.values()], "probes")
    tables.write_table(probes, frame, artifacts.make_stamp("probes", spec, {}) | upstream)
    frame = pd.concat([_losses(cell, path) for cell, path in directories.items()])
    tables.write_table(losses, frame, artifacts.make_stamp("losses", spec, {}) | upstream)


def _configured_ceilings(path: Path) -> pd.DataFrame:
    """For each grammar, accuracy and level, what the exact denoiser reaches with our sampler."""
    frame = tables.read_table(path, "ceilings")
    return frame[frame["configured"]].rename(columns={"estimate": "ceiling"})[[*_RIGHT, "ceiling"]]


def _distinct_settings(parts: list[Path]) -> list[dict]:
    """Settings of training and sampling behind the parts; one entry if all agree."""
    found = []
    for part in parts:
        specs = tables.read_stamp(part)["upstream"]
        settings = {stage: dict(spec["settings"]) for stage, spec in specs.items()}
        del settings["train"]["cell"]
        if settings not in found:
            found.append(settings)
    return found


def _losses(cell: Cell, directory: Path) -> pd.DataFrame:
    """Losses of a cell, with the columns that say which cell it is."""
    frame = tables.read_table(directory / "losses.parquet", "losses")
    replicas = parse_replicas(cell.replicas)
    for name in reversed(tables.SEEDS):
        frame.insert(0, name, [getattr(replicas[r], name) for r in frame["replica"]])
    frame.insert(0, "dataset_size", cell.dataset_size)
    for name, value in reversed(parse_setting(cell.setting).items()):
        frame.insert(0, name, value)
    return frame.drop(columns="replica")
