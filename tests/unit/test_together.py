"""Runs of grammars that are analysed as one."""

import json
from functools import reduce
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artifacts.tables import read_arrow, read_table, write_table
from pipeline.base.errors import PipelineError
from pipeline.claims.claims import CLAIMS, POOLED
from pipeline.documents.together import analyse_together

RESULTS = Path(__file__).parents[2] / "results"
TOGETHER = sorted(RESULTS.glob("study_*/runs.json"))
"""What differs between the studies that the repository has analysed together."""
MEASURED = ("measurements", "losses", "probes", "theory")


def part_of(run, settings, output):
    """A run with some settings of a run."""
    config = json.loads((RESULTS / run / "config.json").read_text())
    for section in ("grid", "theory"):
        grammars = config["domains"]["rhm"][section]["grammars"]
        config["domains"]["rhm"][section]["grammars"] = [
            grammar for grammar in grammars if (grammar["v"], grammar["m"]) in settings
        ]
    (output / "tables").mkdir(parents=True)
    (output / "config.json").write_text(json.dumps(config))
    for name in MEASURED:
        path = RESULTS / run / f"tables/rhm_{name}.parquet"
        rows, (_, stamp) = read_table(path, name), read_arrow(path, name)
        kept = [place in settings for place in zip(rows["v"], rows["m"], strict=True)]
        write_table(output / "tables" / path.name, rows[kept], stamp)
    return output


def test_parts_of_a_run_say_together_what_it_says(tmp_path):
    shares = ({(10, 4), (10, 3), (10, 2)}, {(10, 5), (6, 3), (16, 3)})
    parts = [part_of("study_levels", share, tmp_path / f"{i}") for i, share in enumerate(shares)]
    analyse_together(tmp_path / "together", parts)
    pooled = {(claim.claim, claim.quantity) for claim in CLAIMS if claim.settings == POOLED}
    for name in ("claims", "rhm_laws", "rhm_exponents"):
        kind = name.removeprefix("rhm_")
        found, whole = (
            read_table(folder / f"tables/{name}.parquet", kind)
            for folder in (tmp_path / "together", RESULTS / "study_levels")
        )
        if kind == "claims":
            places = zip(whole["claim"], whole["quantity"], strict=True)
            whole = whole[[place in pooled for place in places]].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, whole[found.columns], rtol=1e-9)
    drawn = {path.name for path in (tmp_path / "together/figures").iterdir()}
    names = ("accuracy_vs_dataset_size", "sample_complexity")
    assert drawn == {f"rhm_{name}.{kind}" for name in names for kind in ("pdf", "png")}


@pytest.mark.parametrize("recorded", TOGETHER, ids=lambda path: path.parent.name)
def test_studies_say_again_what_they_say_together(tmp_path, recorded):
    runs = json.loads(recorded.read_text())["run"]
    analyse_together(tmp_path, [RESULTS / run for run in runs])
    committed = sorted((recorded.parent / "tables").iterdir())
    assert [path.name for path in committed] == [
        "claims.parquet",
        *(f"rhm_{name}.parquet" for name in ("exponents", "laws", "sample_complexity")),
    ]
    for path in committed:
        kind = path.stem.removeprefix("rhm_")
        found = read_table(tmp_path / "tables" / path.name, kind)
        pd.testing.assert_frame_equal(found, read_table(path, kind), rtol=1e-9)
    assert recorded.read_text() == (tmp_path / "runs.json").read_text()


def test_a_setting_of_two_runs_is_refused(tmp_path):
    runs = [RESULTS / "study_level3", RESULTS / "study_levels"]
    with pytest.raises(PipelineError, match=r"both have v10_m3_s2_L3 in domains\.rhm\.grid"):
        analyse_together(tmp_path, runs)
    with pytest.raises(PipelineError, match="both have v8_m7_s2_L3"):
        analyse_together(tmp_path, [RESULTS / "study_rote"] * 2)
    assert not list(tmp_path.iterdir())


def changed(run, key, value):
    """A run with another value in its config."""
    config = json.loads((run / "config.json").read_text())
    *sections, last = key.split(".")
    reduce(lambda section, name: section[name], sections, config)[last] = value
    (run / "config.json").write_text(json.dumps(config))
    return run


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("claims.margin", 0.5, r"claims\.margin is 0\.25 in .*one, 0\.5 in .*other; "),
        ("domains.rhm.noise.process", "uniform", r"noise\.process is absorbing in .*one, uniform"),
        ("domains.rhm.analysis.converged", 0.8, r"^domains\.rhm\.analysis\.converged is "),
        ("domains.rhm.theory.grammars", [{**dict(zip("vmsL", (10, 4, 2, 3), strict=True)),
          "dataset_sizes": [32]}], r"both have v10_m4_s2_L3 in domains\.rhm\.theory"),
        ("domains.rhm.grid.rule_frequencies", {"kind": "zipf", "level": 1, "exponent": 1.0},
         r"other: domains\.rhm\.grid\.rule_frequencies\.kind is zipf"),
        ("partial", True, "other: leaves cells out"),
    ],
)  # fmt: skip
def test_runs_of_no_one_law_are_refused(tmp_path, key, value, said):
    one = part_of("study_levels", {(10, 4)}, tmp_path / "one")
    other = changed(part_of("study_levels", {(10, 5)}, tmp_path / "other"), key, value)
    with pytest.raises(PipelineError, match=said):
        analyse_together(tmp_path / "together", [one, other])


def test_a_run_is_not_written_over(tmp_path):
    parts = [part_of("study_levels", {(10, m)}, tmp_path / f"{m}") for m in (3, 4, 5)]
    before = (parts[0] / "config.json").read_text()
    with pytest.raises(PipelineError, match="is a run; give the folder for what comes out first"):
        analyse_together(*parts[:1], parts[1:])
    assert sorted(path.name for path in parts[0].iterdir()) == ["config.json", "tables"]
    assert (parts[0] / "config.json").read_text() == before
