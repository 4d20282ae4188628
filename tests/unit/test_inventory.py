"""What is on disk, held against the jobs that Snakemake takes to be done."""

import json
import logging

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pipeline.artifacts.seals import seal, with_blank_seal
from pipeline.artifacts.tensors import STAMP, write_tensors
from pipeline.run.inventory import PLANNED, Moment, Settled, inventory

OLD, NEW = {"code": "old"}, {"code": "new"}
GRAMMAR = "results/a/rhm/grammar_g0.safetensors"
FIGURE = ("results/a/figures/x.pdf", "results/a/figures/x.png")


def settled(rule, *outputs, spec=NEW):
    return Settled(rule, outputs, spec and json.dumps(spec))


def make(path, spec=OLD):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_text(STAMP, seal(with_blank_seal({"spec": spec}).encode()).decode())
        Image.new("L", (2, 2)).save(path, pnginfo=text)
    elif path.suffix == ".safetensors":
        write_tensors(path, {"x": np.zeros(1)}, {"spec": spec})
    else:
        path.write_bytes(b"%PDF")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (GRAMMAR, *FIGURE):
        make(tmp_path / path)
    return tmp_path


def test_every_kind_of_stamp_is_looked_at(here):
    jobs = [settled("grammar", GRAMMAR), settled("x", *FIGURE)]
    (line,) = inventory(jobs, set())
    assert line.startswith(
        ".snakemake has no record of results/a, made with other settings or code"
    )
    assert line.endswith("run once with: --forcerun grammar x")
    for path in (GRAMMAR, *FIGURE):
        make(here / path, NEW)
    assert inventory(jobs, set()) == []


def test_figures_whose_trainings_are_gone_are_not_made_anew(here):
    (here / GRAMMAR).unlink()
    (here / GRAMMAR).parent.rmdir()
    (line,) = inventory([settled("x", *FIGURE)], set())
    assert line.endswith("made from is gone; to accept them, run once with: --touch")


def test_what_is_on_record_is_left_to_snakemake():
    jobs = [settled("grammar", GRAMMAR), settled("x", *FIGURE)]
    (line,) = inventory(jobs, set(FIGURE))
    assert "no record of parts of results/a" in line
    assert line.endswith(f"--forcerun {GRAMMAR}")
    assert inventory(jobs, {GRAMMAR, *FIGURE}) == []


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x89PNG\r\n\x1a\n"])
def test_a_stamp_that_cannot_be_read_is_of_other_code(here, content):
    for path in (GRAMMAR, FIGURE[1]):
        (here / path).write_bytes(content)
    (line,) = inventory([settled("grammar", GRAMMAR), settled("x", *FIGURE)], set())
    assert line.endswith("--forcerun grammar x")


def test_a_job_without_a_spec_has_records_of_its_own(here):
    assert inventory([settled("prepare_judge", GRAMMAR, spec=None)], set()) == []


def test_what_is_missing_is_told_with_its_remedy(here):
    make(here / GRAMMAR, NEW)
    absent = [f"results/a/checkpoints/step{step}.safetensors" for step in (1, 2, 3)]
    (line,) = inventory([settled("grammar", GRAMMAR), settled("train", *absent)], set())
    assert line.startswith(f"missing: {absent[0]} and 2 more; ")
    assert f"snakemake {absent[0]} (and" in line


@pytest.mark.parametrize("event", [True, False])
def test_a_moment_is_acted_on_once(event):
    calls = []
    handler = Moment(PLANNED, lambda: calls.append(1))
    for message in ("Building DAG", "Nothing to be done (all ...)", "Job stats:"):
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
        if event and message == "Job stats:":
            record.event = "run_info"
        handler.emit(record)
    assert calls == [1]
