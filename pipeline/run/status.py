"""Command `status`: how far every cell of a run is, told by what is on disk; nothing is changed.

The grid is that of the config which the run was last started with, `results/<run>/config.json`.
"""

import json
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.base.labels import Cell, cell_directory
from pipeline.config.grid import DomainConfig, cells
from pipeline.config.recorded import recorded_config
from pipeline.run.job_logs import error_line
from pipeline.run.trained import trained_cells
from pipeline.stages.catalogue import STAGES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.paths import CELL
from pipeline.training.names import PATTERN, checkpoint_name, losses_name, state_name, steps_of

_IN_TABLES = "only in tables"
"""State of the cells of a run of which tables and figures were kept, as of those in `results/` of
this repository."""
_RESUMABLE = "resume me"
_SILENCE = 1800.0
"""Seconds after which a training that has saved nothing is doubtful; it should every 600."""
_COLOURS = {"done": "green", "failed": "red", "stopped": "yellow", "silent": "yellow"}
_COLOURS |= {"training": "cyan"}


@dataclass(frozen=True)
class CellStatus:
    """How far one cell is.

    Attributes:
        domain: its domain.
        setting: parameters of the grammar, tokenizer and context, or set of images.
        dataset_size: training strings or images, or online.
        replicas: labels of their seeds.
        state: waiting, ready (it has its data), training, silent (nothing was saved for half an
            hour: in the queue again, or dead), stopped (to be resumed), trained, sampled, measured
            (but not probed, judged or kept as pictures), done, or failed; or only in tables, where
            tables of the domain are there and nothing that they were made from.
        step: training steps that are saved; all of them where the cell is only in tables.
        steps: training steps in all.
        validation_loss: mean over replicas at the last checkpoint, if there is one.
        seconds_ago: since anything of the cell changed on disk, if anything is there.
        error: last line of the log of the stage that failed or stopped; empty if none did.
    """

    domain: str
    setting: str
    dataset_size: str
    replicas: str
    state: str
    step: int
    steps: int
    validation_loss: float | None
    seconds_ago: float | None
    error: str


def print_status(root: Path, run: str, as_json: bool) -> None:
    """Print the status of all cells as a table, or as a list of JSON objects.

    Raises:
        PipelineError: the run was never started, or by another version of the config.
    """
    found = run_status(root, run)
    if as_json:
        print(json.dumps([asdict(cell) for cell in found], indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(_table(found))
    console.print(", ".join(f"{n} {state}" for state, n in _counts(found).items()))


def run_status(root: Path, run: str) -> list[CellStatus]:
    """Status of every cell, in the order of the config; raises as `print_status`."""
    home = root / "results" / run
    config = recorded_config(home)
    enabled = [domain for domain in DOMAINS if config.domain(domain).enabled]
    return [cell for domain in enabled for cell in _cells_of(home, domain, config.domain(domain))]


def _cells_of(home: Path, domain: str, section: DomainConfig) -> list[CellStatus]:
    """Status of the cells of one domain of a run."""
    grid, steps = cells(section, trained_cells(home / domain)), section.training.checkpoints[-1]
    tables_alone = not (home / domain).exists() and any(home.glob(f"tables/{domain}_*.parquet"))
    if tables_alone:
        return [
            CellStatus(domain, *cell, _IN_TABLES, steps, steps, None, None, "") for cell in grid
        ]
    return [_cell_status(home, domain, cell, steps) for cell in grid]


def _cell_status(root: Path, domain: str, cell: Cell, steps: int) -> CellStatus:
    home = Path(cell_directory(str(root / domain), cell))
    stages = _outputs(domain)
    missing = [s for s, name in stages.items() if not (home / name.format(step=steps)).exists()]
    logs = [home / f"logs/{stage}.log" for stage in missing]
    if "dataset" in missing:
        source = re.sub(r"\{\w+\}", "*", DOMAINS[domain].source)
        logs += (root / "logs" / domain / cell.setting).glob(f"{source}.log")
    error = next((line for log in logs if (line := error_line(log))), "")
    step = steps if "train" not in missing else _saved_step(home)
    started, age = (home / "logs/train.log").exists(), _age(home)
    state = _state(missing, error, started, age or 0.0)
    place = (domain, cell.setting, cell.dataset_size, cell.replicas)
    return CellStatus(*place, state, step, steps, _validation_loss(home), age, error)


def _state(missing: list[str], error: str, started: bool, age: float) -> str:
    if error:
        return "stopped" if _RESUMABLE in error else "failed"
    if not missing:
        return "done"
    if missing[0] == "train" and started:
        return "silent" if age > _SILENCE else "training"
    return STAGES[missing[0]].until_then


def _outputs(domain: str) -> dict[str, str]:
    """Stages of a cell in their order, each with an output that is there once it has ended."""
    place = f"{CELL}/"
    return {
        stage.name: path.removeprefix(place)
        for stage in STAGES.values()
        if stage.until_then and (path := stage.last_output(domain))
    }


def _saved_step(home: Path) -> int:
    saved = (home.glob(PATTERN + name("*")) for name in (state_name, checkpoint_name))
    return max(steps_of(chain(*saved)), default=0)


def _validation_loss(home: Path) -> float | None:
    files = [*home.glob(PATTERN + losses_name("*")), *home.glob("losses.parquet")]
    for path in sorted(files, key=_changed, reverse=True):
        try:
            losses = tables.read_table(path, "losses")
        except PipelineError:
            continue
        whole = losses.query("split == 'validation' and noise_low == 0 and noise_high == 1")
        return float(whole.loc[whole["step"] == whole["step"].max(), "loss"].mean())
    return None


def _age(home: Path) -> float | None:
    last = max(map(_changed, home.rglob("*")), default=0.0)
    return max(0.0, time.time() - last) if last else None


def _changed(path: Path) -> float:
    """When a file was last changed; 0 if the run has moved it away in the meantime."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _counts(found: Iterable[CellStatus]) -> dict[str, int]:
    states = [cell.state for cell in found]
    return {state: states.count(state) for state in dict.fromkeys(states)}


def _table(found: Iterable[CellStatus]) -> Table:
    table = Table("setting", "dataset size", "replicas", "step", "validation loss", "state")
    table.add_column("changed")
    table.add_column("last error", overflow="fold")
    for cell in found:
        colour = _COLOURS.get(cell.state, "default")
        loss = "" if cell.validation_loss is None else f"{cell.validation_loss:.4f}"
        ago = "" if cell.seconds_ago is None else f"{cell.seconds_ago / 60:.0f} min ago"
        table.add_row(
            cell.setting, cell.dataset_size, cell.replicas, f"{cell.step} of {cell.steps}", loss,
            f"[{colour}]{cell.state}[/]", ago, escape(cell.error),
        )  # fmt: skip
    return table
