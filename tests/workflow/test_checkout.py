"""Jobs run the code of the checkout that they belong to, wherever they run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.workflow.checkout import ROOT, SMOKE, Checkout

GRAMMAR = "results/smoke/rhm/v4_m2_s2_L2/grammar_g0.safetensors"
LINE = "range(s - 1, -1, -1)"


@pytest.fixture
def other(tmp_path):
    """A checkout whose code is not that of the package that is installed."""
    checkout = Checkout.of_sources(tmp_path / "checkout")
    checkout.edit_source("pipeline/rhm/grammar/rules.py", LINE, "reversed(range(s))")
    return checkout


def code_of(path: Path) -> str:
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["stamp"])["spec"]["code"]


def code_in(checkout: Checkout) -> str:
    program = "import json\nfrom pipeline.base.section import NoSettings\n"
    program += "from pipeline.stages.specs import make_spec\n"
    program += "print(json.loads(make_spec('grammar', 'rhm', NoSettings()))['code'])"
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=checkout.path, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_jobs_in_another_directory_import_this_checkouts_package(other, tmp_path):
    profile, place = str(other.path / SMOKE[1]), tmp_path / "elsewhere"
    arguments = ["--snakefile", str(other.path / "Snakefile"), "--directory", str(place)]
    result = other.snakemake("--profile", profile, *arguments, GRAMMAR)
    assert result.returncode == 0, result.stderr
    assert code_of(place / GRAMMAR) == code_in(other) != code_in(Checkout(ROOT))


def test_jobs_whose_python_does_not_look_where_it_is_import_this_checkouts_package(other):
    result = other.snakemake(*SMOKE, GRAMMAR, PYTHONSAFEPATH="1", PYTHONPATH=str(ROOT))
    assert result.returncode == 0, result.stderr
    assert code_of(other.path / GRAMMAR) == code_in(other)
