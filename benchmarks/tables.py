"""From the tables of cells to the rows that a figure shows, against pandas."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.contest import Contest, Side, run_apart
from benchmarks.curves import Curve
from pipeline.analysis.aggregate import aggregate
from pipeline.analysis.settings import Aggregation
from pipeline.artifacts import tables
from pipeline.base.labels import Cell
from pipeline.base.spec import Spec

KIND, SHOWN = "measurements", "node_accuracy"
_QUANTITIES = (SHOWN, "string_accuracy", "conditional_accuracy", "squared_correlation")
_QUANTITIES += ("correlation_ratio", "rule_usage_divergence", "coverage", "copied_fraction")
_STEPS, _LEVELS = 2 ** np.arange(6, 18), (1, 2, 3)
_DISTINCT, _SEEDS = 50, 4
_NOTE = (
    "half of our time goes into opening and decoding 18 columns per file, a fifth into writing; "
    "further figures read that table only"
)


class Grid:
    """Tables of the cells of one setting, as stage `measure` writes them, in a directory.

    Every cell has 288 rows in 18 columns; after the first `distinct`, numbers come round again.
    """

    def __init__(self, directory: Path, cells: int, distinct: int = _DISTINCT) -> None:
        places = [
            ("v16_m4_s2_L3", f"{32 + i // _SEEDS}", f"g{i % _SEEDS}d0n0") for i in range(cells)
        ]
        self.output = directory / f"tables/{KIND}.parquet"
        self.losses = directory / "tables/losses.parquet"
        self.parts = [directory.joinpath(*place, f"{KIND}.parquet") for place in places]
        settings = Aggregation(cells=[Cell(*place) for place in places], missing=[])
        self.spec = Spec("aggregate", "rhm", settings, {"settings": settings.plain()})
        tables.write_table(self.losses, _losses(cells), _stamp() | {"kind": "losses"})
        for number, part in enumerate(self.parts):
            if number < distinct:
                tables.write_table(part, _rows(number), _stamp())
            else:
                part.parent.mkdir(parents=True)
                shutil.copyfile(self.parts[number % distinct], part)

    def aggregate(self) -> None:
        """Our way: every part is checked against its stamp, and all become one table."""
        aggregate(self.spec, self.parts, [self.losses], [], self.output)

    def read_shown(self) -> pd.DataFrame:
        """The rows of one quantity from that table, as stage `figure` reads them."""
        return tables.read_table(self.output, KIND, [SHOWN])

    def concatenate(self) -> pd.DataFrame:
        """The plain way to the rows of all cells."""
        return pd.concat([pd.read_parquet(part) for part in self.parts], ignore_index=True)

    def concatenate_shown(self) -> pd.DataFrame:
        """The plain way to the rows of one quantity."""
        rows = self.concatenate()
        return rows[rows["quantity"] == SHOWN]


def contests(cells: int = 10_000, fewer: int = 1000) -> Iterator[Contest]:
    """Lines of the table: the way to a first figure, and its parts with fewer cells."""
    with tempfile.TemporaryDirectory() as directory:
        grid = Grid(Path(directory), cells)
        both = Side("aggregate, then read rows", lambda: (grid.aggregate(), grid.read_shown()))
        read = Side("pandas: read, concat, select", grid.concatenate_shown)
        yield _contest(grid, "the rows of one figure", both, read, 5.0, _NOTE)
    with tempfile.TemporaryDirectory() as directory:
        grid, written = Grid(Path(directory), fewer), f"{directory}/plain.parquet"
        one = Side("stage aggregate", grid.aggregate)
        plain = Side("pandas: read, concat, write", lambda: grid.concatenate().to_parquet(written))
        yield _contest(grid, "one table", one, plain, 1.0)
        shown = Side("read rows of that table", grid.read_shown)
        read = Side("pandas: read, concat, select", grid.concatenate_shown)
        yield _contest(grid, "the rows of every further figure", shown, read, 5.0)


def _contest(
    grid: Grid, target: str, ours: Side, plain: Side, goal: float, note: str = ""
) -> Contest:
    what = f"tables of {len(grid.parts)} cells to {target}"
    return Contest(what, ours, plain, len(grid.parts), "cells", goal, note)


def curves(sizes: tuple[int, ...] = (100, 300, 1000, 3000)) -> Iterator[Curve]:
    """Time and peak memory of our way against the number of cells."""
    found = [_cost(cells) for cells in sizes]
    for place, (title, name) in enumerate(
        [("tables: time", "seconds"), ("tables: memory", "peak, MB")]
    ):
        values = [cost[place] for cost in found]
        yield Curve(title, "cells", name, list(sizes), values, is_power_law=place == 0)


def _cost(cells: int) -> tuple[float, float]:
    """Seconds and peak MB of the way from parts to the rows of a figure."""
    with tempfile.TemporaryDirectory() as directory:
        grid = Grid(Path(directory), cells)

        def run() -> None:
            grid.aggregate()
            grid.read_shown()

        return run_apart(run)


def _place(number: int) -> dict:
    """Columns that tell a cell of one replica from others."""
    place = {"v": 16, "m": 4, "s": 2, "L": 3, "dataset_size": f"{32 + number}"}
    return place | {"grammar_seed": number % _SEEDS, "data_seed": 0, "network_seed": 0}


def _losses(cells: int) -> pd.DataFrame:
    """Validation losses at every checkpoint of so many cells."""
    rows = [{**_place(number), "step": step} for number in range(cells) for step in _STEPS]
    loss = np.random.default_rng(0).random(len(rows))
    return pd.DataFrame(rows).assign(split="validation", noise_low=0.0, noise_high=1.0, loss=loss)


def _rows(number: int) -> pd.DataFrame:
    """Rows of one cell, columns and types as `pipeline.rhm.measure` has them."""
    index = pd.MultiIndex.from_product(
        [_STEPS, _QUANTITIES, _LEVELS], names=["step", "quantity", "level"]
    )
    frame = index.to_frame(index=False).assign(
        **_place(number), among="all", distance=np.nan, count=8192
    )
    frame["estimate"] = np.random.default_rng(number).random(len(frame))
    frame["standard_error"] = np.sqrt(frame["estimate"] * (1 - frame["estimate"]) / 8192)
    return frame.assign(low=frame["estimate"] - 0.01, high=frame["estimate"] + 0.01)


def _stamp() -> dict:
    """A stamp as long as those of measurements."""
    spec = {"stage": "measure", "domain": "rhm", "code": "0" * 16, "settings": {"blocks": 32}}
    trained = {"train": {**spec, "stage": "train", "settings": {"steps": 131072, "cell": {}}}}
    inputs = {f"step{step}.safetensors": "0" * 64 for step in _STEPS}
    return {"kind": KIND, "spec": spec, "inputs": inputs, "upstream": trained}
