"""A private copy of this checkout in which a test may run and edit things."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import yaml

from pipeline.stages.figures import FIGURES

ROOT = Path(__file__).parents[2]
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")
SMOKE = ("--profile", "workflow/profiles/ci")
GRID = ("rhm", "results/smoke/tables/rhm_claims.parquet")
"""Targets: the grid of grammars with all that follows from it, without the other domains."""
DRAWN = {
    name: FIGURES[name] for name in yaml.safe_load((ROOT / "config.yaml").read_text())["figures"]
}
"""Figures of every run; others are of runs that compare themselves with others."""
_NOT_JOBS = ("all", "everything", "rhm", "text", "image", "total")
_TRACED = Path(__file__).parent / "traced"
_PARTS = ("Snakefile", "config.yaml", "workflow", "pipeline", "slurm")


class Checkout:
    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_sources(cls, path: Path) -> "Checkout":
        path.mkdir(parents=True)
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, path / part, follow_symlinks=False)
        return cls(path)

    def copy(self, path: Path) -> "Checkout":
        shutil.copytree(self.path, path, symlinks=True)
        return Checkout(path)

    def snakemake(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Run snakemake to its end, with more variables in its environment."""
        process = self.start(*arguments, **variables)
        try:
            output, errors = process.communicate(timeout=1200)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def traced(self, calls: Path, *arguments: str) -> subprocess.CompletedProcess:
        """Run snakemake; jobs write down in a new directory which functions they call."""
        calls.mkdir()
        return self.snakemake(*arguments, PYTHONPATH=str(_TRACED), TRACED_CALLS=str(calls))

    def start(
        self,
        *arguments: str,
        output: TextIO | int = subprocess.PIPE,
        command: Sequence[str] = (SNAKEMAKE,),
        **variables: str,
    ) -> subprocess.Popen:
        """Start snakemake in a process group of its own, where it hears Ctrl-C in any case."""
        return subprocess.Popen(
            ["env", "--default-signal=INT", *command, *arguments],
            cwd=self.path,
            env=self.environment() | variables,
            text=True,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        """Variables for snakemake, which finds the plugins of ROOT, whichever are installed."""
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def stale(self, *arguments: str) -> Counter:
        """Jobs per rule that a dry run of the smoke preset would run."""
        return self.plan(*arguments)[0]

    def plan(self, *arguments: str) -> tuple[Counter, str]:
        """Those, and the messages beside them."""
        result = self.snakemake(*SMOKE, *arguments, "--dry-run", "--quiet", "rules")
        assert result.returncode == 0, result.stderr
        return job_counts(result.stdout + result.stderr), result.stderr

    def edit_preset(self, edit: callable) -> None:
        """Change the smoke preset's `domains.rhm` section in place."""
        path = self.path / "workflow/presets/smoke.yaml"
        content = yaml.safe_load(path.read_text())
        edit(content["domains"]["rhm"], content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def edit_source(self, name: str, old: str, new: str) -> None:
        path = self.path / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


def job_counts(output: str) -> Counter:
    """Jobs per rule, without the target rules, from Snakemake's table of job stats."""
    rows = re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)
    counts = Counter({rule: int(count) for rule, count in rows})
    return Counter({rule: n for rule, n in counts.items() if rule not in _NOT_JOBS})
