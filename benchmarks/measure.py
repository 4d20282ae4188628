"""`python -m benchmarks.measure MODULE OUTPUT SECONDS`: one module of the suite, in this process.

A module offers `contests()`, and may offer `curves()`; both are generators, so that what one
contest needs is made when its turn comes. `SECONDS` may say how long the rounds of a line take.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.contest import compete


def measure(module: str, seconds: float) -> dict[str, list]:
    """Lines and curves of a module, as JSON values; prints each as it comes."""
    benchmark = import_module(f"benchmarks.{module}")
    seconds, lines, curves = getattr(benchmark, "SECONDS", seconds), [], []
    for contest in benchmark.contests():
        lines.append(compete(contest, seconds))
        print(f"  {contest.what}: done, {lines[-1].rounds} rounds", flush=True)
    for curve in getattr(benchmark, "curves", tuple)():
        curves.append(curve)
        print(f"  {curve.panel}: done", flush=True)
    return {
        name: [x.plain_values() for x in found]
        for name, found in {"lines": lines, "curves": curves}.items()
    }


if __name__ == "__main__":
    name, output, budget = sys.argv[1:]
    Path(output).write_text(json.dumps(measure(name, float(budget))))
