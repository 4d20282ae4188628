"""Whose an artifact is: its place in the run, and what it and its neighbours were made from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts.places import place_of
from pipeline.artifacts.tables import read_table, write_table
from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.run.lineage import gather_lineage
from tests.unit.settings_case import BARE

SETTING = "rhm/v8_m3_s2_L3"
CELL = f"{SETTING}/P64/g0d0n0"
GRAMMAR, DATASET = f"{SETTING}/grammar_g0.safetensors", f"{CELL}/dataset.safetensors"
SAMPLES, MEASURED = f"{CELL}/samples/step8.safetensors", f"{CELL}/measurements.parquet"
LOSSES = f"{CELL}/losses.parquet"
OF_SETTING = f"{SETTING}/tables/measurements.parquet"


@pytest.fixture
def run(tmp_path):
    return tmp_path / "results/mine"


def make(run: Path, place: str, *inputs: str, content: int = 0) -> Path:
    """An artifact at a place, made from others."""
    lineage = gather_lineage([run / name for name in inputs], [run / place])
    stamp = make_stamp("thing", replace(BARE, lineage=lineage), {})
    path = run / place
    if path.suffix == ".parquet":
        write_table(path, pd.DataFrame({"step": [content]}), stamp)
    else:
        write_tensors(path, {"a": np.array([content])}, stamp)
    return path


def make_all(run: Path, content: int = 0) -> None:
    make(run, GRAMMAR, content=content)
    make(run, DATASET, GRAMMAR)
    make(run, SAMPLES, DATASET)
    make(run, MEASURED, GRAMMAR, DATASET, SAMPLES)


def gathered(run: Path, output: str, *inputs: str) -> dict[str, str]:
    return gather_lineage([run / name for name in inputs], [run / output])


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (f"results/demo/{SAMPLES}", SAMPLES),
        (f"/data/results/old/results/demo/{SAMPLES}", SAMPLES),
        (f"results/demo/{CELL}/samples/.work/0a1b/step8.safetensors", SAMPLES),
        ("results/demo/tables/rhm_losses.parquet", "tables/rhm_losses.parquet"),
        ("results/demo.parquet", None),
        ("/home/me/step8.safetensors", None),
    ],
)
def test_a_place_is_what_follows_the_run(path, place):
    assert place_of(path) == place


def test_a_run_can_be_renamed_and_a_file_taken_out_of_it(run, tmp_path):
    make_all(run)
    run.rename(run.with_name("yours"))
    for place in (GRAMMAR, DATASET, SAMPLES):
        assert read_tensors(run.with_name("yours") / place, "thing").stamp["place"] == place
    alone = (run.with_name("yours") / SAMPLES).rename(tmp_path / "step8.safetensors")
    read_tensors(alone, "thing")


@pytest.mark.parametrize("place", [SAMPLES, MEASURED])
def test_what_is_put_in_the_place_of_another_is_refused(run, place):
    make_all(run)
    other = run / place.replace("g0d0n0", "g1d0n0")
    other.parent.mkdir(parents=True)
    (run / place).rename(other)
    read = read_table if other.suffix == ".parquet" else read_tensors
    refused = rf"^{other} was made as {place} and put in another place; rebuild it with: "
    with pytest.raises(PipelineError, match=refused):
        read(other, "thing")
    with pytest.raises(PipelineError, match=refused):
        gather_lineage([other], [run / OF_SETTING])


def test_a_stamp_repeats_what_its_artifact_descends_from(run):
    make_all(run)
    known = gathered(run, MEASURED, GRAMMAR, DATASET, SAMPLES)
    assert known.keys() == {GRAMMAR, DATASET}, "what is above or beside it, not every step"
    assert known == gathered(run, MEASURED, SAMPLES)
    assert known[DATASET] == read_tensors(run / DATASET, "thing").sha256
    of_setting = gathered(run, OF_SETTING, MEASURED)
    assert of_setting == {GRAMMAR: known[GRAMMAR]}, "no cell matters to what is made of many"


@pytest.mark.parametrize(
    ("made_anew", "output", "inputs", "refused"),
    [
        (GRAMMAR, DATASET.replace("P64", "P128"), (GRAMMAR, DATASET), DATASET),
        (GRAMMAR, MEASURED, (GRAMMAR, SAMPLES), SAMPLES),
        (DATASET, MEASURED, (GRAMMAR, DATASET, SAMPLES), SAMPLES),
    ],
)
def test_what_was_made_from_another_version_than_is_there_is_refused(
    run, made_anew, output, inputs, refused
):
    make_all(run)
    make(run, made_anew, content=1)
    with pytest.raises(PipelineError) as error:
        gathered(run, output, *inputs)
    assert str(error.value).startswith(
        f"{run / refused} was made with another {run / made_anew} than is there; rebuild what is "
        f"made of it with: snakemake {run / output} --forcerun {run / made_anew} "
    )


def test_what_was_made_from_two_versions_is_refused_although_none_is_read(run):
    make_all(run)
    make(run, DATASET, GRAMMAR, content=1)
    make(run, LOSSES, DATASET)
    refused = f"^{run / LOSSES} was made with another {run / DATASET} than {run / MEASURED} was;"
    with pytest.raises(PipelineError, match=refused):
        gathered(run, OF_SETTING, MEASURED, LOSSES)


def test_the_same_made_anew_belongs_to_what_is_there(run):
    make_all(run)
    make(run, GRAMMAR)
    assert gathered(run, MEASURED, GRAMMAR, DATASET, SAMPLES)


def test_data_that_are_read_once_may_become_more(run):
    online = [place.replace("P64", "Ponline") for place in (DATASET, SAMPLES, MEASURED)]
    make(run, GRAMMAR)
    make(run, online[0], GRAMMAR)
    make(run, online[1], online[0])
    make(run, online[0], GRAMMAR, content=1)
    assert gathered(run, online[2], *online[:2]).keys() == {GRAMMAR}


def test_runs_that_are_compared_are_kept_apart(run):
    table, other = "tables/rhm_losses.parquet", run.with_name("mine_adam")
    make(run, table)
    make(other, table, content=1)
    output = run / "tables/rhm_departures.parquet"
    known = gather_lineage([other / table, run / table, None], [output])
    assert known == gathered(run, "tables/rhm_departures.parquet", table)


def test_files_outside_of_runs_and_those_that_nobody_can_read_are_left_to_the_stage(run, tmp_path):
    outside = tmp_path / "archive.tgz"
    outside.write_bytes(b"no artifact")
    broken = make(run, GRAMMAR)
    broken.write_bytes(b"no artifact")
    assert gather_lineage([outside, broken, run / DATASET], [run / MEASURED]) == {}
