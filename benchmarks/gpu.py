"""`python -m benchmarks.gpu`: how fast a GPU trains, samples and infers, in under four minutes.

Every group of lines runs in a process of its own, and every line is kept when it is measured, in
results/bench/gpu.jsonl: what fails, or comes to no end, costs no other line. `python -m
benchmarks.gpu_table docs/gpu.md` makes a table of it.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.gpu_lines import GROUPS, TINY, Row, Sizes
from pipeline.base.device import choose_device
from pipeline.base.errors import one_line

BENCH = Path("results/bench/gpu.jsonl")
_LONGEST = 80.0
"""Seconds that a group may take; the last one has what is left."""


def main() -> None:
    """Measure all groups, or in a process of its own one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--output", type=Path, default=BENCH)
    parser.add_argument("--seconds", type=float, default=235.0, help="for all groups together")
    parser.add_argument("--tiny", action="store_true", help="small sizes, also without a GPU")
    parser.add_argument("--here", action="store_true", help="in this process")
    args = parser.parse_args()
    if unknown := sorted({*args.groups} - {*GROUPS}):
        parser.error(f"{unknown[0]} is not one of {', '.join(GROUPS)}")
    if not (args.tiny or torch.cuda.is_available()):
        print("there is no GPU that this torch can use: nothing is measured")
        return
    groups = args.groups or list(GROUPS)
    if args.here:
        measure(groups, TINY if args.tiny else Sizes(), args.output)
        return
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps({"machine": describe_machine()}) + "\n")
    end = time.monotonic() + args.seconds
    for group in groups:
        left = end - time.monotonic()
        _apart(group, args, left if group == groups[-1] else min(left, _LONGEST))


def _apart(group: str, args: argparse.Namespace, seconds: float) -> None:
    """Measure a group in another process, which is ended when its time is up."""
    command = [sys.executable, "-m", "benchmarks.gpu", group, "--here", "--output", args.output]
    command += ["--tiny"] if args.tiny else []
    try:
        status = subprocess.run(command, check=False, timeout=max(seconds, 1.0)).returncode
        failure = f"ended with status {status}" if status else ""
    except subprocess.TimeoutExpired:
        failure = f"ended after {seconds:.0f} s: lines that are missing were not measured"
    if failure:
        keep(args.output, {"group": group, "failure": failure})


def measure(groups: list[str], sizes: Sizes, output: Path) -> None:
    """Measure groups in this process; a line that fails is kept with its error."""
    for group in groups:
        for line in GROUPS[group](sizes):
            start = time.monotonic()
            try:
                row: Row | None = line()
                found = {"group": group, **asdict(row)}
            except Exception as error:  # whatever it is, further lines may do better
                found = {"group": group, "failure": one_line(error)[:300]}
            keep(output, {**found, "taken": round(time.monotonic() - start, 1)})
            row = None
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def keep(output: Path, found: dict[str, object]) -> None:
    """Add a line to the file, and print it."""
    with output.open("a") as file:
        file.write(json.dumps(found) + "\n")
    print(json.dumps(found), flush=True)


def describe_machine() -> dict[str, object]:
    """The device and the versions."""
    device = choose_device()
    name = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU"
    memory = torch.cuda.mem_get_info()[1] / 1e9 if device.type == "cuda" else 0.0
    python = ".".join(map(str, sys.version_info[:3]))
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "python": python}
    return {"gpu": name, "memory_gb": round(memory, 1), **versions}


if __name__ == "__main__":
    main()
