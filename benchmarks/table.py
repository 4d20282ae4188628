"""The table of the suite: in Markdown, in a terminal, and pasted into a page.

python -m benchmarks.table docs/speed.md
"""

import json
import sys
from pathlib import Path

from rich.table import Table

from pipeline.base.errors import PipelineError
from pipeline.documents.paste import paste

BENCH = Path("results/bench/bench.json")
COLUMNS = (
    "what",
    "against",
    "ours",
    "plain",
    "speed-up [95 %]",
    "goal",
    "peak memory, MB, ours / plain",
    "note",
)
_PREFIXES = {9: "G", 6: "M", 3: "k", 0: ""}


def lines_of(bench: dict) -> list[dict]:
    """Lines of all modules, in the order in which they stand."""
    return [line for module in bench.values() for line in module["lines"]]


def cells(line: dict) -> list[str]:
    """A line's cells, one per column."""
    ours, plain = (rate(line[f"{side}_rate"], line["unit"]) for side in ("ours", "plain"))
    bounds = f"{line['low']:.3g}, {line['high']:.3g}"
    memory = " / ".join(f"{line[f'{side}_memory_mb']:.0f}" for side in ("ours", "plain"))
    goal = f"{line['goal']:.3g}" + ("" if line["met"] else ", missed")
    found = f"{line['speed_up']:.3g} [{bounds}]"
    return [line["what"], line["plain"], ours, plain, found, goal, memory, line["note"]]


def rate(value: float, unit: str) -> str:
    """A rate with three digits, such as `1.23 M strings/s`; seconds per unit if it is below 1."""
    if value < 1:
        return f"{1 / value:.3g} s per {unit.removesuffix('s')}"
    power = max(power for power in _PREFIXES if value >= 10**power)
    return f"{value / 10**power:.3g} {_PREFIXES[power]} {unit}/s".replace("  ", " ")


def markdown(bench: dict) -> str:
    """The table in GitHub's Markdown, then the machine, and how costs grow."""
    rows = [COLUMNS, ["---"] * len(COLUMNS), *map(cells, lines_of(bench))]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return "\n".join([table, *machines(bench), *growth(bench)])


def machines(bench: dict) -> list[str]:
    """A sentence per machine that modules were measured on: one, unless parts were run apart."""
    described = [_sentence(module["machine"]) for module in bench.values()]
    return list(dict.fromkeys(described))


def _sentence(machine: dict) -> str:
    known = {"processor", "cores", "memory_gb", "system", "threads"}
    versions = ", ".join(f"{k} {v}" for k, v in machine.items() if k not in known)
    return (
        f"Measured with {machine['threads']} thread on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; {versions}.\n"
    )


def growth(bench: dict) -> list[str]:
    """A line per fitted curve: the power of the size that the cost follows."""
    curves = [curve for module in bench.values() for curve in module["curves"] if "slope" in curve]
    return [
        f"- {' '.join(filter(None, [c['panel'] + ':', c['label']]))} {c['y_name']} grows as "
        f"{c['x_name']} to the power {c['slope'][0]:.2f} "
        f"[{c['slope'][1]:.2f}, {c['slope'][2]:.2f}]"
        for c in curves
    ]


def terminal_table(bench: dict) -> Table:
    """The same, for a terminal."""
    table = Table(*COLUMNS)
    for line in lines_of(bench):
        table.add_row(*cells(line), style=None if line["met"] else "red")
    return table


if __name__ == "__main__":
    try:
        paste(Path(sys.argv[1]), "bench", markdown(json.loads(BENCH.read_text())))
    except PipelineError as error:
        sys.exit(f"error: {error}")
