"""`python -m benchmarks.gpu_table docs/gpu.md`: the table of what was measured on a GPU, pasted.

Reads results/bench/gpu.jsonl, or what is named behind the document.
"""

import json
import statistics
import sys
from pathlib import Path

from benchmarks.gpu import BENCH
from benchmarks.table import rate
from pipeline.base.errors import PipelineError
from pipeline.documents.paste import paste

COLUMNS = ("what", "rate [least, most]", "time of one", "share", "memory, GB, peak / reckoned", "")


def markdown(lines: list[dict]) -> str:
    """A table of rows, then what failed, and the machine."""
    machine, rows = lines[0]["machine"], [line for line in lines[1:] if "seconds" in line]
    cells = [COLUMNS, ["---"] * len(COLUMNS), *map(_cells, rows)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in cells)
    failed = [f"- {line['group']}: {line['failure']}\n" for line in lines if "failure" in line]
    missed = ["What was not measured:\n", "".join(failed)] if failed else []
    return "\n".join([table, *missed, _sentence(machine)])


def _cells(row: dict) -> list[str]:
    amount, times = row["amount"], row["seconds"]
    median, *ends = (amount / t for t in (statistics.median(times), max(times), min(times)))
    between = f" [{rate(ends[0], row['unit'])}, {rate(ends[1], row['unit'])}]"
    share = "" if row["share"] is None else f"{row['share']:.0%} of the {row['of']}"
    memory = [_gigabytes(row[name]) for name in ("peak_gb", "reckoned_gb")]
    shown = rate(median, row["unit"]) + between
    return [row["what"], shown, _time(1 / median), share, " / ".join(memory), row["note"]]


def _gigabytes(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _time(seconds: float) -> str:
    """A duration with three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return ""


def _sentence(machine: dict) -> str:
    versions = ", ".join(f"{name} {machine[name]}" for name in ("torch", "cuda", "python"))
    return f"Measured on {machine['gpu']}, {machine['memory_gb']} GB; {versions}.\n"


if __name__ == "__main__":
    found = Path(sys.argv[2]) if len(sys.argv) > 2 else BENCH
    lines = [json.loads(line) for line in found.read_text().splitlines()]
    try:
        paste(Path(sys.argv[1]), "gpu", markdown(lines))
    except PipelineError as error:
        sys.exit(f"error: {error}")
