"""Command `compare`: what a terminal and files show of several runs."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.artifacts.files import replacing
from pipeline.library.compare import compare, compare_figures, differences

COMPARISONS = "comparisons"
"""Directory of comparisons, beside the runs."""


def show_comparison(runs: Sequence[str], figure: str | None, table: str | None, root: Path) -> None:
    """Print what differs between the configs of runs; write a figure and a table of all of them.

    Args:
        runs: their names.
        figure: to show side by side, if one is asked for.
        table: to write as one, in CSV, if one is asked for.
        root: the directory that runs are in.

    Raises:
        PipelineError: a run, or its figure or table, is not there.
    """
    found = differences(*runs, root=root)
    console = Console(width=None if sys.stdout.isatty() else 200)
    shown = Table("key", *runs)
    for key in found:
        shown.add_row(str(key), *map(str, found[key]))
    console.print(shown if len(found.columns) else "their configs are the same")
    home = root / COMPARISONS / "_".join(runs)
    if figure is not None:
        path = home / f"{figure}.png"
        compare_figures(runs, figure, root, path)
        console.print(f"figure: {path}")
    if table is not None:
        path = home / f"{table}.csv"
        with replacing(path) as temporary:
            compare(*runs, name=table, root=root).to_csv(temporary, index=False)
        console.print(f"table: {path}")
