"""Every substitution of an input of every job of a real run: each is refused before it is read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.__main__ import _parser
from pipeline.artifacts.stamps import sealed_stamp
from pipeline.base.errors import PipelineError
from pipeline.run import lineage
from pipeline.run.command import _paths
from pipeline.run.lineage import gather_lineage
from pipeline.stages.catalogue import STAGES


class Job(NamedTuple):
    stage: str
    inputs: list[Path]
    outputs: list[Path]


def jobs_of(calls: Path) -> Iterator[Job]:
    """Jobs with a spec, from what they were called with."""
    for path in sorted(calls.iterdir()):
        words = json.loads(path.read_text())["arguments"]
        if "--spec" in words:
            options = vars(_parser().parse_args(words[words.index("pipeline") + 1 :]))
            stage = STAGES[options["stage"]]
            inputs, outputs = (_paths(files, options) for files in (stage.inputs, stage.outputs))
            yield Job(stage.name, [path for path in inputs if path is not None], outputs)


@pytest.fixture
def jobs(smoke_run, monkeypatch):
    monkeypatch.chdir(smoke_run.path)
    return list(jobs_of(smoke_run.path.parent / "calls"))


def kind_of(path: Path) -> str:
    """Name of an artifact but for its numbers: those of one kind may be taken for one another."""
    return re.sub(r"\d+", "", path.name)


def is_refused(job: Job) -> bool:
    try:
        gather_lineage(job.inputs, job.outputs)
    except PipelineError as error:
        assert "\n" not in str(error)
        assert "rebuild" in str(error)
        return True
    return False


def is_noticed(monkeypatch, job: Job, path: Path, stamp: dict) -> bool:
    """Whether a job refuses an input that says something else than it does."""
    with monkeypatch.context() as patch:
        patch.setattr(lineage, "sealed_stamp", lambda p: stamp if p == path else sealed_stamp(p))
        return is_refused(job)


def test_every_artifact_in_the_place_of_another_is_refused(jobs, monkeypatch):
    stamps = {path: sealed_stamp(path) for job in jobs for path in job.inputs}
    stamps = {path: stamp for path, stamp in stamps.items() if stamp is not None}
    tried = 0
    for job in jobs:
        assert not is_refused(job), job
        for path in filter(stamps.get, job.inputs):
            others = [p for p in stamps if p != path and kind_of(p) == kind_of(path)]
            for other in others:
                assert is_noticed(monkeypatch, job, path, stamps[other]), f"{other} for {path}"
                tried += 1
    assert tried > 500


def test_an_artifact_of_another_run_in_its_own_place_is_refused(jobs, monkeypatch):
    """Where the job reads something else that descends from it."""
    noticed = {
        (job.stage, kind_of(path))
        for job in jobs
        for path in job.inputs
        if (stamp := sealed_stamp(path))
        and is_noticed(monkeypatch, job, path, stamp | {"sha256": "0" * 64})
    }
    of_grammars = {("probe", "grammar_g.safetensors"), ("probe", "dataset.safetensors")}
    of_grammars |= {(stage, name) for stage in ("measure", "trees") for _, name in of_grammars}
    of_text = {(stage, "corpus.safetensors") for stage in ("train", "measure", "probe")}
    of_text |= {("judge", "tokenizer.json"), ("decode", "tokenizer.json")}
    of_images = {("train", "images.safetensors")}
    names = ("rhm_losses.parquet", "rhm_measurements.parquet", "rhm_sample_complexity.parquet")
    of_tables = {(stage, name) for stage in ("claims", "figure") for name in names}
    of_tables |= {("figure", "measurements.parquet"), ("figure", "calibration.parquet")}
    of_tables |= {("figure", "losses.parquet"), ("analyse", "losses.parquet")}
    assert noticed == of_grammars | of_text | of_images | of_tables
