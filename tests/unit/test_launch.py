"""The commands for people: `run` and `status` without a run."""

import json
import shlex
import subprocess
import sys

import pytest

from pipeline.__main__ import _parser
from pipeline.base.errors import PipelineError
from pipeline.config.read import read_entries
from pipeline.config.recorded import default_config
from pipeline.run.launch import estimate_command, snakemake_command
from pipeline.run.overview import print_runs
from tests.workflow.checkout import ROOT

NOTHING = {"figure": [], "domain": [], "set": [], "slurm": None, "profile": None, "dry_run": False}


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.chdir(ROOT)


def command(preset="demo", **options):
    given = {**NOTHING, "name": "mine", "preset": preset, **options}
    return " ".join(snakemake_command(given))


def test_a_run_is_named_with_its_preset():
    start = "snakemake --profile workflow/profiles/local --config preset=demo run=mine"
    assert command() == start
    assert command("none").endswith("--config preset=none run=mine")


def test_targets_stand_before_and_settings_after_all_options():
    found = command(
        figure=["rhm_loss_curves"],
        domain=["text"],
        slurm=8,
        dry_run=True,
        set=["domains.rhm.network.width=32", "domains.rhm.training.learning_rate=1e-4"],
    )
    nested = {"rhm": {"network": {"width": 32}, "training": {"learning_rate": 1e-4}}}
    assert found == (
        "snakemake results/mine/figures/rhm_loss_curves.pdf text --profile slurm --jobs 8 "
        f"--dry-run --config preset=demo run=mine domains={json.dumps(nested)}"
    )


def test_an_option_that_is_given_twice_has_the_values_of_both():
    line = "run mine --preset demo --set a=1 b=2 --figure x --set c=3 --domain rhm --figure y"
    options = vars(_parser().parse_args(line.split()))
    assert options["set"] == ["a=1", "b=2", "c=3"]
    assert (options["figure"], options["domain"]) == (["x", "y"], ["rhm"])
    assert vars(_parser().parse_args(["run", "mine", "--preset", "demo"]))["set"] == []


def test_a_preset_of_ones_own_may_be_anywhere(tmp_path):
    own, bare = tmp_path / "own.yaml", tmp_path / "bare.yaml"
    own.write_text("preset: smoke\nstyle: {palette: cividis}\n")
    bare.write_text("style: {palette: cividis}\n")
    assert command(str(own)).endswith(f"--configfile {own} --config preset=smoke run=mine")
    assert command(str(bare)).endswith(f"--configfile {bare} --config preset=none run=mine")


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"preset": "demmo"}, "--preset demmo is no file and not in workflow/presets; choose one"),
        ({"figure": ["rhm_los_curves"]}, "is none; did you mean 'rhm_loss_curves'?"),
        ({"set": ["width"]}, "--set width must be KEY=VALUE"),
        ({"set": ["style.palette=a", "style.palette=b"]}, "--set style.palette is given twice"),
    ],
)
def test_what_does_not_exist_is_told_before_snakemake_starts(options, refused):
    with pytest.raises(PipelineError, match=refused.replace("?", r"\?")):
        command(**options)


def test_the_estimate_that_a_run_names_is_of_the_config_that_it_was_given(tmp_path):
    own = tmp_path / "own file.yaml"
    own.write_text("preset: smoke\nstyle: {palette: cividis}\n")
    entries = ["preset=smoke", "run=mine", "domains={rhm: {network: {width: 8}}}", "partial=true"]
    told = shlex.split(estimate_command("mine", [own], entries))
    assert told[:7] == ["python", "-m", "pipeline", "run", "mine", "--preset", f"{own}"]
    assert (told[7], told[-1]) == ("--set", "--estimate")
    became = list(
        snakemake_command({**NOTHING, "name": "mine", "preset": told[6], "set": told[8:-1]})
    )
    assert became[became.index("--configfile") + 1] == f"{own}"
    assert read_entries(became[became.index("--config") + 1 :]) == read_entries(entries)


def test_an_estimate_is_named_in_the_fewest_words(tmp_path, monkeypatch):
    (tmp_path / "own.yaml").write_text("preset: smoke\n")
    start = "python -m pipeline run mine --preset"
    assert estimate_command("mine", [], ["preset=demo", "run=mine"]) == f"{start} demo --estimate"
    assert estimate_command("mine", [], []) == f"{start} none --estimate"
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.yaml"
    assert estimate_command("mine", [own], ["run=mine"]) == f"{start} own.yaml --estimate"


def test_no_estimate_is_named_that_would_be_of_another_config(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("preset: smoke\n")
    assert estimate_command("mine", [own, own], []) is None
    assert estimate_command("mine", [own], ["preset=demo"]) is None


def test_runs_are_listed_with_the_states_of_their_cells(tmp_path, capsys):
    print_runs(tmp_path, as_json=False)
    assert "no run was started here" in capsys.readouterr().out
    for name, text in (("mine", json.dumps(default_config().plain())), ("old", "{}")):
        home = tmp_path / "results" / name
        home.mkdir(parents=True)
        (home / "config.json").write_text(text)
    print_runs(tmp_path, as_json=True)
    mine, old = json.loads(capsys.readouterr().out)
    assert list(mine["states"]) == ["waiting"]
    assert "is of another version" in old["problem"]
    print_runs(tmp_path, as_json=False)
    assert f"{mine['states']['waiting']} waiting" in capsys.readouterr().out


def test_the_command_line_offers_both():
    said = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "mine", "--preset", "demmo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert said.stderr.startswith("error: --preset demmo")


@pytest.mark.parametrize(
    "command", ["run mine --preset demo", "status", "grammar --spec in --output out"]
)
def test_an_option_that_a_command_has_not_is_named_with_the_help_of_the_command(command):
    words = [sys.executable, "-m", "pipeline", *command.split(), "--cores=1"]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    name = command.split()[0]
    assert said.returncode == 2
    assert said.stderr == (
        f"error: {name} has no --cores=1; python -m pipeline {name} --help tells its options\n"
    )
