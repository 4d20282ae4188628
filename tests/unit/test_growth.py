"""What is told of trained replicas that begin again at step 0."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts.tables import write_table
from pipeline.artifacts.tensors import write_tensors
from pipeline.base.labels import Cell
from pipeline.run.growth import Training, trained_anew

SETTING, RUN = "v4_m2_s2_L2", "results/a/rhm"
CODE = "code of now"


def spec(code=CODE, **training):
    return {"settings": {"training": {"steps": None, **training}, "width": 8}, "code": code}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(label, states=(20, 40), checkpoints=(10, 20, 40), size="8", made_with=None):
    """What a training leaves behind; without states as where checkpoints are not kept."""
    home, stamp = Path(RUN, SETTING, f"P{size}", label), {"spec": made_with or spec()}
    write_table(home / "losses.parquet", pd.DataFrame({"step": [1]}), {"kind": "losses"} | stamp)
    for step in states:
        state(home, step, stamp["spec"])
    for step in checkpoints if states else ():
        for name in (f"checkpoints/step{step}.safetensors", f"losses_step{step}.parquet"):
            path = home / ".work/abc" / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
    return home


def state(home, step, made_with):
    path, stamp = home / f".work/abc/state_step{step}.safetensors", {"kind": "training state"}
    write_tensors(path, {"x": np.zeros(1)}, stamp | {"spec": made_with})


def planned(label, steps=(10, 20, 40, 60), size="8", planned_spec=None):
    cell = Cell(SETTING, size, label)
    return Training(Path(RUN), cell, frozenset(steps), json.dumps(planned_spec or spec()))


def test_nothing_is_told_of_what_is_new_or_goes_on():
    make("g0d0n0+g1d0n0")
    make("g0d0n0", size="16")
    trainings = [planned("g0d0n0+g1d0n0"), planned("g2d0n0"), planned("g1d0n0", size="16")]
    assert trained_anew(trainings) == []
    assert trained_anew([planned("g0d0n0+g1d0n0", steps=(10, 20, 30, 40))]) == []


def test_replicas_whose_group_is_broken_up_are_counted():
    make("g0d0n0+g1d0n0+g2d0n0")
    make("g0d0n0+g1d0n0+g2d0n0", size="16")
    trainings = [planned("g0d0n0+g2d0n0+g3d0n0"), planned("g0d0n0+g2d0n0+g3d0n0", size="16")]
    (line,) = trained_anew(trainings)
    assert line.startswith(
        f"{RUN}: 4 trained replicas, in 2 trainings, are trained anew from step 0: they were "
        "trained together with replicas that the config no longer names"
    )


def test_where_no_states_were_kept_that_is_told():
    make("g0d0n0+g1d0n0", states=())
    (line,) = trained_anew([planned("g0d0n0+g1d0n0")])
    assert "2 trained replicas, in 1 trainings, are trained anew" in line
    assert "as with training.keep_checkpoints = false; true keeps it" in line


def test_a_checkpoint_before_all_states_is_told():
    make("g0d0n0")
    (line,) = trained_anew([planned("g0d0n0", steps=(5, 10, 20, 40))])
    assert line.endswith("no state from before step 5, a further checkpoint, is kept")


def test_settings_that_differ_are_named():
    make("g0d0n0", made_with=spec(steps=40))
    make("g1d0n0", made_with=spec(steps=40))
    trainings = [
        planned(name, planned_spec=spec(steps=60, momentum=0.5)) for name in ("g0d0n0", "g1d0n0")
    ]
    (line,) = trained_anew(trainings)
    assert line.endswith("they were trained with another training.momentum, training.steps")


def test_a_training_that_had_only_begun_counts_by_its_state():
    state(Path(RUN, SETTING, "P8/g0d0n0"), 20, spec(steps=40))
    (line,) = trained_anew([planned("g0d0n0", planned_spec=spec(steps=60))])
    assert "1 trained replicas" in line


def test_settings_that_cannot_be_read_are_told():
    (make("g0d0n0") / "losses.parquet").write_bytes(b"garbage")
    (line,) = trained_anew([planned("g0d0n0")])
    assert line.endswith("what they were trained with cannot be read")


def test_other_code_alone_is_not_told_here():
    make("g0d0n0", states=(), made_with=spec(code="code of then"))
    assert trained_anew([planned("g0d0n0")]) == []
