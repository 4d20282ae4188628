"""Snakemake finds the plugins of this repository by name; what they run is the checkout's own."""

import json
import os
import subprocess
import sys

import pytest

from tests.workflow.checkout import ROOT, SMOKE, Checkout

PLUGINS = ("snakemake_executor_plugin_lasting_slurm", "snakemake_logger_plugin_grid")
GRAMMAR = "results/smoke/rhm/v4_m2_s2_L2/grammar_g0.safetensors"
PLAIN = ("--config", "preset=smoke", "--cores", "1", GRAMMAR)
"""A run without a profile."""
FIND = """
import json, sys
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry as Executors
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry as Loggers
found = [*Executors().get_registered_plugins(), *Loggers().get_registered_plugins()]
options = [info["cliarg"] for info in Executors().get_plugin("lasting-slurm").get_settings_info()]
theirs = [info["cliarg"] for info in Executors().get_plugin("slurm").get_settings_info()]
print(json.dumps([found, "pipeline" in sys.modules, options, theirs]))
"""


@pytest.fixture
def checkout(tmp_path):
    return Checkout.of_sources(tmp_path / "checkout")


def test_plugins_are_found_before_it_is_known_which_checkout_runs():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", FIND], cwd="/", env=environment, check=True, stdout=subprocess.PIPE
    )
    found, has_imported_pipeline, options, theirs = json.loads(result.stdout)
    assert {"lasting-slurm", "grid"} <= set(found)
    assert not has_imported_pipeline, "it may be of another checkout than the one that is run"
    assert "--lasting-slurm-requeue" in options
    assert options == [name.replace("--slurm-", "--lasting-slurm-") for name in theirs]


def test_an_editable_installation_is_a_path_in_which_plugins_are_found(checkout, tmp_path):
    """Snakemake lists the packages of paths; it does not see those that only a finder knows."""
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        (checkout.path / part).write_bytes((ROOT / part).read_bytes())
    for name in PLUGINS:
        (checkout.path / name).mkdir()
        (checkout.path / name / "__init__.py").touch()
    build = "from setuptools.build_meta import build_editable; print(build_editable('built'))"
    (checkout.path / "built").mkdir()
    subprocess.run([sys.executable, "-c", build], cwd=checkout.path, check=True)
    (wheel,) = (checkout.path / "built").glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, tmp_path / "site"], check=True)
    (path,) = (tmp_path / "site").glob("*.pth")
    assert path.read_text().split() == [str(checkout.path)]


def test_without_a_profile_snakemake_shows_what_it_always_does(checkout):
    result = checkout.snakemake(*PLAIN)
    assert result.returncode == 0, result.stderr
    assert "Finished jobid" in result.stderr
    assert "done:   grammar" not in result.stderr
    assert "Jobs to run: 1" in result.stderr


def test_what_the_display_says_comes_in_place_of_snakemakes(checkout):
    result = checkout.snakemake(*SMOKE, GRAMMAR)
    assert result.returncode == 0, result.stderr
    assert "done:   grammar v4_m2_s2_L2/g0 (" in result.stderr
    assert "Finished jobid" not in result.stderr
    assert "Elapsed time" in result.stderr, "what follows the last job is shown as well"


def test_a_dry_run_lists_jobs_with_the_display_named(checkout):
    result = checkout.snakemake(*SMOKE, GRAMMAR, "--dry-run", "--quiet", "host")
    assert result.returncode == 0, result.stderr
    assert f"output: {GRAMMAR}" in result.stdout


def test_a_profile_that_hides_failures_and_names_no_display_is_told_of(checkout):
    result = checkout.snakemake(*PLAIN, "--quiet", "rules")
    assert result.returncode == 0, result.stderr
    assert "add logger: [grid] to the profile" in result.stderr


def test_a_profile_that_names_the_executor_of_others_is_refused(checkout):
    arguments = (*PLAIN, "--executor", "slurm", "--jobs", "1", "--slurm-requeue")
    result = checkout.snakemake(*arguments)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("error: executor: slurm: ")
    assert "executor: lasting-slurm" in last
    assert not (checkout.path / GRAMMAR).exists()
