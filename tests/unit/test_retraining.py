"""Which trainings are told to be made anew because of code, at what cost, and what changed."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.artifacts.tensors import write_tensors
from pipeline.run import retraining
from pipeline.run.retraining import Remade, record_definitions, retrainings
from pipeline.stages.provenance import Code

LOSS = "results/a/rhm/P8/losses.safetensors"
DATASET = "results/a/rhm/P8/dataset.safetensors"
NEW = {
    "train": {"pipeline.noise.schedules:cosine": "2", "pipeline.training.train:train": "1"},
    "dataset": {"pipeline.rhm.grammar.rules:Grammar": "1"},
}


def spec(stage="train", code="new", **settings):
    return {
        "stage": stage,
        "domain": "rhm",
        "settings": settings,
        "code": code,
        "choices": {"noise.schedule": [code]},
    }


def remade(path=LOSS, upstream=(), benchmark=None, **parts):
    return Remade(json.dumps(spec(**parts)), (path, "absent.safetensors"), benchmark, upstream)


def stamp(path, stamped):
    write_tensors(Path(path), {"x": np.zeros(1)}, {"spec": stamped})


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/a/rhm/P8").mkdir(parents=True)
    monkeypatch.setattr(retraining, "code_of", lambda spec: Code("", NEW[spec["stage"]], {}))
    retraining.RECORDS.mkdir(parents=True)
    return tmp_path


def old_code(definitions):
    (retraining.RECORDS / "old.json").write_text(json.dumps(definitions))


def test_the_definition_that_changed_is_named():
    stamp(LOSS, spec(code="old"))
    old_code(NEW["train"] | {"pipeline.noise.schedules:cosine": "1"})
    assert retrainings([remade()]) == [
        "1 training is to be made anew because of code: pipeline.noise.schedules.cosine changed"
    ]


def test_of_many_the_first_are_named():
    stamp(LOSS, spec(code="old"))
    old_code({f"m:f{number}": "" for number in range(3)})
    (line,) = retrainings([remade(), remade()])
    assert line.startswith("2 trainings are to be made anew because of code: ")
    assert line.endswith("m.f0, m.f1, m.f2 and 2 more changed")


def test_the_cost_is_that_of_benchmarks_also_for_those_that_have_none(here):
    stamp(LOSS, spec(code="old"))
    for name, seconds in {"one": 5400, "two": 1800}.items():
        (here / name).write_text(f"s\th:m:s\n{seconds}\t-\n")
    jobs = [remade(benchmark=name) for name in ("one", "two", "absent")]
    (line,) = retrainings(jobs)
    assert line == (
        "3 trainings (about 3.0 h by their benchmarks) are to be made anew because of code: "
        "what changed is not on record"
    )
    (line,) = retrainings([remade(benchmark="two")])
    assert "1 training (about 30.0 min by their benchmarks) is" in line


def test_a_change_upstream_counts():
    stamp(LOSS, spec())
    stamp(DATASET, spec("dataset", code="old"))
    old_code({"pipeline.rhm.grammar.rules:Grammar": "0"})
    (line,) = retrainings([remade(upstream=(remade(DATASET, stage="dataset"),))])
    assert line.endswith("because of code: pipeline.rhm.grammar.rules.Grammar changed")


@pytest.mark.parametrize(
    ("trained", "data"),
    [
        (None, spec("dataset", code="old")),  # it is not there
        (spec(), spec("dataset")),  # it is forced
        (spec(code="old", steps=2), spec("dataset")),
        (spec(code="old"), spec("dataset", size=2)),
        (spec(), spec("dataset", code="old", size=2)),
    ],
)
def test_other_reasons_are_not_told(trained, data):
    if trained:
        stamp(LOSS, trained)
    stamp(DATASET, data)
    assert retrainings([remade(upstream=(remade(DATASET, stage="dataset"),))]) == []


def test_what_code_is_made_of_is_written_down_once_for_every_fingerprint():
    specs = [json.dumps(spec()), json.dumps(spec(steps=2)), json.dumps(spec("dataset", code="d"))]
    record_definitions(specs)
    written = {path.stem: json.loads(path.read_text()) for path in retraining.RECORDS.iterdir()}
    assert written == {"new": NEW["train"], "d": NEW["dataset"]}
    (retraining.RECORDS / "new.json").write_text("{}")
    record_definitions(specs)
    assert (retraining.RECORDS / "new.json").read_text() == "{}"
