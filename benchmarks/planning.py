"""What our rules cost Snakemake: to be read, at every start, and to plan many jobs with."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contest import Contest, Side
from benchmarks.curves import Curve, fastest
from pipeline.config.load import load_config

ROOT = Path(__file__).parents[1]
OURS = ROOT / "Snakefile"
_STAGES, _SEEDS = 5, 4
"""Jobs of a cell, and cells of a dataset size."""
_PARSE = 1.0
"""Seconds that reading our rules may take."""


@dataclass(frozen=True)
class Planner:
    """Runs snakemake in a directory where nothing has been made yet."""

    directory: Path

    def config(self, jobs: int) -> Path:
        """Config of one setting with about so many jobs."""
        path = self.directory / f"{jobs}.json"
        config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", _overrides(jobs))
        path.write_text(json.dumps(config.plain()))
        return path

    def plan(self, config: Path) -> None:
        """`snakemake -n`."""
        self._run(OURS, "--dry-run", "--quiet", "all", "--configfile", config)

    def read_rules(self, snakefile: Path) -> None:
        """Start snakemake and have it read the rules, as it does in every job."""
        self._run(snakefile, "--list-rules")

    def _run(self, snakefile: Path, *options: str | Path) -> None:
        command = [Path(sys.executable).parent / "snakemake", "--snakefile", snakefile, *options]
        command += ["--directory", self.directory]
        subprocess.run(command, check=True, capture_output=True)


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    with tempfile.TemporaryDirectory() as directory:
        planner = Planner(Path(directory))
        empty = planner.directory / "Snakefile"
        empty.write_text("rule all:\n    input: []\n")
        yield _reading(planner, empty)


def _reading(planner: Planner, empty: Path) -> Contest:
    before = fastest(lambda: planner.read_rules(empty))
    rules = fastest(lambda: planner.read_rules(OURS)) - before
    return Contest(
        "snakemake until it has read the rules",
        Side("our rules", lambda: planner.read_rules(OURS)),
        Side("an empty Snakefile", lambda: planner.read_rules(empty)),
        1,
        "starts",
        before / (before + _PARSE),
        f"our rules take {rules:.2f} s, of which the goal allows {_PARSE:g}",
    )


def curves(sizes: tuple[int, ...] = (1000, 2000, 5000)) -> Iterator[Curve]:
    """Time of `snakemake -n` against the number of jobs."""
    with tempfile.TemporaryDirectory() as directory:
        planner = Planner(Path(directory))
        configs = [planner.config(jobs) for jobs in sizes]
        times = [fastest(lambda c=config: planner.plan(c), 1) for config in configs]
        yield Curve("snakemake -n", "jobs", "seconds", list(sizes), times)


def _overrides(jobs: int) -> dict:
    """The paper's setting at so many dataset sizes that there are about `jobs` jobs."""
    sizes = [32 * (place + 1) for place in range(jobs // (_STAGES * _SEEDS))]
    setting = {"v": 16, "m": 4, "s": 2, "L": 3, "dataset_sizes": [*sizes, "online"]}
    theory = {"grammars": [{**setting, "dataset_sizes": [32]}]}
    grid = {"grammars": [setting], "grammar_seeds": list(range(_SEEDS))}
    domains = {"rhm": {"grid": grid, "theory": theory}}
    domains |= {name: {"enabled": False} for name in ("text", "image")}
    return {"run": "planned", "domains": domains, "figures": ["rhm_accuracy_vs_dataset_size"]}
