"""`python -m benchmarks [MODULE ...]`: our way against the plain way, for everything that costs.

Every module of the suite runs in a process of its own, on one thread. The numbers go to
results/bench/bench.json, in the place of those of the same modules, and are printed as a table;
how costs grow is drawn in results/bench/cost_growth.pdf.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.figure import draw
from benchmarks.machine import describe_machine
from benchmarks.table import BENCH, growth, terminal_table
from pipeline.artifacts.files import replacing

SUITE = (
    "dataset_generation",
    "training",
    "ensemble",
    "belief_propagation",
    "correlations",
    "sampling",
    "tables",
    "checking",
    "planning",
    "start_up",
    "text_sampling",
    "large_networks",
)
"""Modules of the suite, in the order of the table."""


def main() -> None:
    """Run modules, keep and show what they gave; status 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(SUITE)}")
    parser.add_argument("--seconds", type=float, default=8.0, help="for the rounds of a line")
    args = parser.parse_args()
    if unknown := sorted({*args.modules} - {*SUITE}):
        parser.error(f"{unknown[0]} is not one of {', '.join(SUITE)}")
    os.environ["OMP_NUM_THREADS"] = "1"
    failed = [name for name in args.modules or SUITE if not _run(name, args.seconds)]
    bench = _known()
    if curves := [curve for module in bench.values() for curve in module["curves"]]:
        draw(curves, BENCH.parent)
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(terminal_table(bench), *growth(bench), sep="\n")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _run(module: str, seconds: float) -> bool:
    """Run one module and keep what it gave; false if it failed."""
    print(module, flush=True)
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "found.json")
        command = [sys.executable, "-m", "benchmarks.measure", module, output, str(seconds)]
        if subprocess.run(command, check=False).returncode:
            return False
        found = {"machine": describe_machine(), **json.loads(output.read_text())}
    _keep({**_known(), module: found})
    return True


def _known() -> dict[str, dict]:
    return json.loads(BENCH.read_text()) if BENCH.exists() else {}


def _keep(bench: dict[str, dict]) -> None:
    in_order = {name: bench[name] for name in SUITE if name in bench}
    with replacing(BENCH) as temporary:
        temporary.write_text(json.dumps(in_order, indent=1))


if __name__ == "__main__":
    main()
