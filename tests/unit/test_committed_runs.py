"""Runs in the repository: what was measured is there, with its config, and says what claims say."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import pipeline
from pipeline.artifacts import tables
from pipeline.artifacts.stamps import stamped_spec
from pipeline.base.labels import parse_replicas
from pipeline.config.grid import cells
from pipeline.config.recorded import recorded_config
from pipeline.config.slices import SLICES, claims_settings
from pipeline.documents.again import analyse_again
from pipeline.run.overview import print_runs
from pipeline.stages.domains import DOMAINS

RESULTS = Path(__file__).parents[2] / "results"
LISTED = subprocess.run(
    ["git", "ls-files", "*/config.json"], cwd=RESULTS, capture_output=True, text=True, check=True
)
RUNS = sorted(Path(path).parts[0] for path in LISTED.stdout.split())
"""Not `choices`: its half-way points were read off by rules that the config no longer has."""
STUDIES = [run for run in RUNS if run.startswith("study_")]
ANALYSES = {"rhm": ("analyse", "exponents"), "text": (), "image": ("converge",)}
"""Stages that read the config of an analysis."""


def in_order(frame):
    """Columns and rows in an order of their own.

    That of columns was another one, and that of rows is the order of settings in the config. Last
    digits, which differ, must not decide between rows that share their first numbers.
    """
    columns = sorted(frame.columns)
    order = frame[columns].round(6).sort_values(columns).index
    return frame.loc[order, columns].reset_index(drop=True)


def leaves(section):
    """Values of nested sections by the last of their keys."""
    for key, value in section.items():
        yield from leaves(value) if isinstance(value, dict) else [(key, value)]


def enabled(config):
    return [name for name in DOMAINS if config.domain(name).enabled]


def planned(section):
    """Setting, dataset size, seeds and step of every checkpoint of every replica of a grid."""
    return {
        (cell.setting, cell.dataset_size, *(seed for seed in replica if seed is not None), step)
        for cell in cells(section, [])
        for replica in parse_replicas(cell.replicas)
        for step in section.training.checkpoints
    }


def number_of_cells(grid):
    """As many as the sizes, each with as many jobs as its replicas take, by the JSON of a grid."""
    sizes = sum(len(setting["dataset_sizes"]) for setting in grid.get("grammars", [grid]))
    seeds = (
        grid[name] for name in ("grammar_seeds", "data_seeds", "network_seeds") if name in grid
    )
    return sizes * math.ceil(math.prod(map(len, seeds)) / grid["replicas_per_job"])


@pytest.fixture
def copied(tmp_path):
    """Directory of the runs with their configs and tables alone, whatever else is in this one."""
    for run in RUNS:
        home = tmp_path / "results" / run
        shutil.copytree(RESULTS / run / "tables", home / "tables")
        shutil.copy(RESULTS / run / "config.json", home)
    return tmp_path


@pytest.mark.parametrize("run", STUDIES)
def test_a_run_can_be_analysed_again_from_its_tables(run, tmp_path):
    analyse_again(RESULTS / run, tmp_path)
    made = sorted(path.name for path in tmp_path.glob("*.parquet"))
    assert "claims.parquet" in made
    for name in made:
        kind = "claims" if name == "claims.parquet" else name[:-8].split("_", 1)[1]
        found = tables.read_table(tmp_path / name, kind)
        committed = tables.read_table(RESULTS / run / "tables" / name, kind)
        pd.testing.assert_frame_equal(in_order(found), in_order(committed), rtol=1e-9)


@pytest.mark.parametrize("run", RUNS)
def test_tables_are_of_the_grid_of_the_config(run):
    config = recorded_config(RESULTS / run)
    assert config.run == run
    for domain in enabled(config):
        losses = pipeline.table(run, f"{domain}_losses", RESULTS)
        if domain == "rhm":
            shapes = losses[list("vmsL")].itertuples(index=False)
            losses["setting"] = [
                "_".join(f"{k}{v}" for k, v in s._asdict().items()) for s in shapes
            ]
        place = [
            "setting",
            "dataset_size",
            *(seed for seed in tables.SEEDS if seed in losses),
            "step",
        ]
        assert {*losses[place].itertuples(index=False, name=None)} == planned(config.domain(domain))
        measured = pipeline.table(run, f"{domain}_measurements", RESULTS)
        averages = {None if pd.isna(average) else average for average in measured["average"]}
        assert averages == {*config.domain(domain).sampling.averages}


@pytest.mark.parametrize("run", STUDIES)
def test_stamps_have_the_settings_of_the_config(run):
    config = recorded_config(RESULTS / run)
    (domain,) = enabled(config)
    known = [claims_settings(config, domain).plain(), {"style": config.style.plain()}]
    known += [
        SLICES[domain][name](config.domain(domain), None).plain() for name in ANALYSES[domain]
    ]
    known = [leaf for section in known for leaf in leaves(section)]  # sections share some names
    names = {name for name, _ in known}
    found = [stamped_spec(path) or {"settings": {}} for path in (RESULTS / run).glob("*/*.p*")]
    stamped = {leaf for spec in found for leaf in leaves(spec["settings"]) if leaf[0] in names}
    assert [leaf for leaf in stamped if leaf not in known] == []
    assert stamped >= config.claims.plain().items()


@pytest.mark.parametrize("run", RUNS)
def test_a_config_names_nothing_on_the_disk_of_its_maker(run):
    values = [value for _, value in leaves(json.loads((RESULTS / run / "config.json").read_text()))]
    assert not [text for text in values if str(text).startswith(("/", "~", "."))]


def test_they_are_among_the_runs_as_tables_alone(copied, capsys):
    found = pipeline.runs(copied / "results").set_index("run")
    assert list(found.index) == list(RUNS)
    configs = {run: json.loads((RESULTS / run / "config.json").read_text()) for run in RUNS}
    assert found["cells"].to_dict() == {
        run: sum(
            number_of_cells(section["grid"])
            for section in config["domains"].values()
            if section["enabled"]
        )
        for run, config in configs.items()
    }
    print_runs(copied, as_json=True)
    told = {run["run"]: run["states"] for run in json.loads(capsys.readouterr().out)}
    assert told == {run: {"only in tables": number} for run, number in found["cells"].items()}


def test_they_can_be_compared():
    found = pipeline.differences(*STUDIES, root=RESULTS)
    others = {"study_text", "study_image"}
    assert found["domains.rhm.enabled"].to_dict() == {run: run not in others for run in STUDIES}
