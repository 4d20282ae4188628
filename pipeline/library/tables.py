"""Runs, their checkpoints and their tables, each in one line of a notebook."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pipeline.analysis.checkpoints import FLAG, with_best_checkpoints
from pipeline.artifacts.tables import read_arrow, read_table_stamp
from pipeline.base.errors import PipelineError
from pipeline.base.labels import Cell, cell_directory
from pipeline.config.grid import cells
from pipeline.config.recorded import RECORDED, recorded_config
from pipeline.config.schema import Config
from pipeline.run.trained import trained_cells
from pipeline.stages.domains import DOMAINS
from pipeline.training.names import checkpoint_name, steps_of

_COLUMNS = ["run", "domain", "settings", "dataset_sizes", "cells"]
_CHECKPOINT = ["setting", "dataset_size", "replicas", "step", "validation_loss", FLAG, "path"]


def runs(root: str | Path = "results") -> pd.DataFrame:
    """Runs that have been started, as their configs describe them.

    Args:
        root: the directory that they are in.

    Returns:
        A row per run and domain: its settings, the dataset sizes of all of them, and the number of
        cells, i.e. of trainings.
    """
    found = sorted(path.parent for path in Path(root).glob(f"*/{RECORDED}"))
    rows = [row for home in found for row in _rows(home.name, recorded_config(home))]
    return pd.DataFrame(rows, columns=_COLUMNS)


def checkpoints(run: str, domain: str, root: str | Path = "results") -> pd.DataFrame:
    """Checkpoints of a run that are on disk.

    Args:
        run: its name, below `root`.
        domain: rhm, text or image.
        root: the directory that runs are in.

    Returns:
        A row per checkpoint: its setting, dataset size, replicas and training step, its validation
        loss (mean over its replicas) and whether that is the lowest of the training, and the path
        that `load` reads; in the order of the config, and of a training by step. The loss and the
        flag are null where the training has no table of losses yet.

    Raises:
        PipelineError: the run was never started, or by another version of the config, or it has no
            checkpoint of this domain.
    """
    home = Path(root) / run / domain
    config = recorded_config(home.parent)
    grid = cells(config.domain(domain), trained_cells(home)) if domain in DOMAINS else []
    homes = [(cell, Path(cell_directory(str(home), cell))) for cell in grid]
    found = [row for cell, directory in homes for row in _checkpoints_of(cell, directory)]
    if not found:
        raise PipelineError(
            f"{home} has no checkpoints; choose a domain that the run has trained, with "
            "training.keep_checkpoints = true"
        )
    rows = pd.DataFrame(found, columns=_CHECKPOINT)
    return rows.astype({"validation_loss": "float64", FLAG: "boolean"})


def table(run: str, name: str, root: str | Path = "results") -> pd.DataFrame:
    """A table of a run, such as `rhm_measurements`, after its bytes were checked.

    A table of an older version, which does not flag the best checkpoints, is given the flags if the
    table of losses is there, too.

    Args:
        run: its name, below `root`.
        name: of the file in `tables`; docs/tables.md tells which there are, and their columns.
        root: the directory that runs are in.

    Raises:
        PipelineError: there is none of this name, or it was altered.
    """
    directory = Path(root) / run / "tables"
    path = directory / f"{name}.parquet"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in directory.glob("*.parquet")))
        raise PipelineError(f"{path} is not there; choose one of {known or 'another run'}")
    rows, _ = read_arrow(path, read_table_stamp(path)["kind"])
    losses = directory / f"{name.partition('_')[0]}_losses.parquet"
    of_checkpoints = {"step", "network_seed"} <= {*rows.column_names}
    if of_checkpoints and FLAG not in rows.column_names and losses.is_file():
        rows = with_best_checkpoints(rows, read_arrow(losses, "losses")[0])
    return rows.to_pandas()


def _checkpoints_of(cell: Cell, directory: Path) -> Iterator[tuple[object, ...]]:
    losses = _validation_losses(directory / "losses.parquet")
    best = None if losses.empty else losses.idxmin()
    for step in sorted(steps_of(directory.glob(checkpoint_name("*")))):
        flag = None if best is None else step == best
        yield *cell, step, losses.get(step), flag, directory / checkpoint_name(step)


def _validation_losses(path: Path) -> pd.Series:
    """Losses over all noise levels by step, means over replicas; none where there is no table."""
    if not path.is_file():
        return pd.Series(dtype=float)
    rows = read_arrow(path, "losses")[0].to_pandas()
    whole = (rows["noise_low"] == 0) & (rows["noise_high"] == 1)
    chosen = rows[whole & (rows["split"] == "validation")]
    return chosen.groupby("step")["loss"].mean().dropna()


def _rows(run: str, config: Config) -> list[dict[str, object]]:
    rows = []
    for domain in DOMAINS:
        section = config.domain(domain)
        if section.enabled:
            grid = cells(section, [])
            settings = list(dict.fromkeys(cell.setting for cell in grid))
            sizes = list(dict.fromkeys(cell.dataset_size for cell in grid))
            rows.append(dict(zip(_COLUMNS, (run, domain, settings, sizes, len(grid)), strict=True)))
    return rows
