"""Command `status` without a run: how far all runs are, a line each."""

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.base.errors import PipelineError
from pipeline.config.recorded import RECORDED
from pipeline.run.status import run_status


def print_runs(root: Path, as_json: bool) -> None:
    """Print a line for every run that was started, as a table or as a list of JSON objects.

    Args:
        root: directory that has `results`.
        as_json: for programs.
    """
    homes = sorted(path.parent for path in root.glob(f"results/*/{RECORDED}"))
    found = [_summary(root, home.name) for home in homes]
    if as_json:
        print(json.dumps(found, indent=1))
        return
    if not found:
        print("no run was started here; one is made with: make quick")
        return
    table = Table("run", "cells", "of which")
    for run in found:
        states = ", ".join(f"{count} {state}" for state, count in run["states"].items())
        table.add_row(run["run"], f"{sum(run['states'].values())}", states or run["problem"])
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _summary(root: Path, run: str) -> dict[str, Any]:
    """Name of a run, and its cells by their state; or why they cannot be told."""
    try:
        states = [cell.state for cell in run_status(root, run)]
    except PipelineError as error:
        return {"run": run, "states": {}, "problem": f"{error}"}
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    return {"run": run, "states": counts, "problem": ""}
