"""Formatters, linters and the type checker find nothing to change."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("snakefmt", "--check", "Snakefile", "workflow"),
    ("mypy",),
)


@pytest.mark.parametrize("command", CHECKS, ids=" ".join)
def test_nothing_to_change(command, monkeypatch):
    monkeypatch.setenv("PATH", str(BIN), prepend=":")  # snakefmt calls shfmt
    result = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stdout.decode() + result.stderr.decode()
