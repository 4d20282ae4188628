"""Snakemake's command line is read as a file is, and a local run names a preset."""

import shlex

import pytest
from snakemake_interface_executor_plugins.utils import format_cli_arg

from pipeline.config.load import load_config
from pipeline.config.read import read_entries
from pipeline.config.recorded import record_configs
from tests.workflow.checkout import SMOKE, Checkout

LOCAL = ("--cores", "1")
GRAMMAR = "results/mine/rhm/v16_m4_s2_L3/grammar_g0.safetensors"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("config") / "checkout")


def refusal(checkout, *arguments):
    """The one line that is said, of a command that fails without a traceback."""
    result = checkout.snakemake(*arguments)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    return line


def test_a_key_twice_in_a_configfile_is_refused_with_both_lines(checkout):
    given = checkout.path / "twice.yaml"
    given.write_text("preset: smoke\ndomains:\n  text: {probe: {blocks: 4}}\n  text: {}\n")
    told = refusal(checkout, "-n", "--configfile", "twice.yaml")
    assert told == (
        "error: config: twice.yaml, line 4: the key 'text' stands in line 3 too; keep one"
    )


def test_nested_values_of_the_command_line_are_numbers(checkout):
    nested = "domains={rhm: {training: {steps: 60, learning_rate: 1e-2}}}"
    options = ("preset=smoke", nested, "--printshellcmds")
    result = checkout.snakemake(*SMOKE, "-n", "--quiet", "host", "--config", *options)
    assert result.returncode == 0, result.stderr
    said = result.stdout + result.stderr
    assert '"learning_rate":0.01' in said
    assert '"steps":60' in said


def test_what_a_job_on_a_cluster_is_given_is_read_alike():
    """Snakemake gives it the entries anew, in quotes for the shell."""
    entries = ["preset=smoke", "domains={rhm: {grid: {grammar_seeds: [0, 010]}}}", "run='010'"]
    _, *again = shlex.split(format_cli_arg("--config", entries))
    assert read_entries(again) == read_entries(entries)
    assert read_entries(again)["domains"]["rhm"]["grid"]["grammar_seeds"] == [0, 10]


def test_a_local_run_without_a_preset_stops_and_says_how_to_go_on(checkout):
    before = sorted(checkout.path.glob("results/*"))
    told = refusal(checkout, *SMOKE, GRAMMAR, "--config", "run=mine")
    assert told.startswith("error: no preset is named, so that all 192 trajectories of config.yaml")
    for way in ("--config preset=demo", "--profile slurm", "--config preset=none"):
        assert way in told
    assert sorted(checkout.path.glob("results/*")) == before
    assert not list(checkout.path.glob(".snakemake/locks/*"))


@pytest.mark.parametrize("arguments", [SMOKE, ("--profile", "slurm")])
def test_without_a_preset_dry_runs_say_so_and_plan(checkout, arguments):
    result = checkout.snakemake(*arguments, "-n", GRAMMAR, "--config", "run=mine")
    assert result.returncode == 0, result.stderr
    assert "run mine: config.yaml as it is, no preset; everything is written" in result.stderr


def test_a_run_that_is_named_again_without_its_settings_is_told_of(checkout):
    overrides = {"preset": "smoke", "run": "again", "style": {"palette": "cividis"}}
    path, presets = checkout.path / "config.yaml", checkout.path / "workflow/presets"
    record_configs(checkout.path / "results", {"again": load_config(path, presets, overrides)})
    recorded = checkout.path / "results/again/config.json"
    before, target = recorded.read_text(), "results/again/rhm/v4_m2_s2_L2/grammar_g0.safetensors"
    result = checkout.snakemake(*SMOKE, "-n", target, "--config", "preset=smoke", "run=again")
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if "another config" in line]
    assert lines == [
        "warning: run again was last started with another config: "
        "style.palette (was cividis, is viridis)"
    ]
    assert recorded.read_text() == before


def test_the_config_as_it_is_runs_here_if_it_is_said(checkout):
    result = checkout.snakemake(*LOCAL, GRAMMAR, "--config", "run=mine", "preset=none")
    assert result.returncode == 0, result.stderr
    assert (checkout.path / GRAMMAR).exists()
    touched = checkout.snakemake(*LOCAL, "--touch", GRAMMAR, "--config", "run=mine")
    assert touched.returncode == 0, touched.stderr
