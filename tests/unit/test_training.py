"""Training resumes exactly, extends rather than restarts, and says what went wrong."""

import random
import re
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.artifacts import tensors
from pipeline.base.errors import PipelineError
from pipeline.training.optimizers import linear_decay
from pipeline.training.stopping import parse_time_left
from pipeline.training.train import Progress
from tests.unit import training_case as case


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    case.prepare(directory, case.REPLICAS)
    case.run(directory, case.train_spec(case.REPLICAS), [20, 40, 60])
    return directory


@pytest.fixture
def steps_trained(monkeypatch):
    """Steps that were computed, in order."""
    steps = []
    original = Progress.on_train_batch_end

    def spy(self, trainer, module, outputs, batch, index):
        steps.append(batch[0])
        original(self, trainer, module, outputs, batch, index)

    monkeypatch.setattr(Progress, "on_train_batch_end", spy)
    return steps


KILLED_AT = random.Random(4).sample(range(1, 60), 9)


@pytest.mark.parametrize(
    ("fault", "number"), [*(("step", step) for step in KILLED_AT), ("write", 30)]
)
def test_a_killed_run_resumes_to_bitwise_the_same_weights(
    uninterrupted, tmp_path, fault, number, steps_trained
):
    case.prepare(tmp_path, case.REPLICAS)
    assert case.program(tmp_path, fault, number).wait() == -signal.SIGKILL
    assert not (tmp_path / "losses.parquet").exists()
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 60])
    assert steps_trained == list(range(number if fault == "step" else 28, 60))
    assert not list(tmp_path.rglob(".*.tmp")), "what the killed attempt was writing is left over"
    for step in (20, 60):
        case.assert_same_weights(tmp_path, uninterrupted, step)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_saves_and_resumes(
    uninterrupted, tmp_path, steps_trained, number
):
    case.prepare(tmp_path, case.REPLICAS)
    process = case.program(tmp_path, "none")
    while not list(tmp_path.glob(".work/*/state_step*")):
        time.sleep(0.005)
    process.send_signal(number)
    _, log = process.communicate()
    stopped = int(re.search(r"stopped after step (\d+) of 60, as it was told to end", log)[1])
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 60])
    assert steps_trained == list(range(stopped, 60))
    case.assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_run_short_of_time_saves_and_resumes(uninterrupted, tmp_path, steps_trained, monkeypatch):
    case.prepare(tmp_path, case.REPLICAS)
    message = "after step 1 of 60, as its time limit is near; resume me"
    with monkeypatch.context() as patch, pytest.raises(PipelineError, match=message):
        patch.setattr("pipeline.training.stopping.seconds_left", lambda: 0.0)
        case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 60], state_interval=1e9)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 60])
    assert steps_trained == list(range(60))
    case.assert_same_weights(tmp_path, uninterrupted, 60)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45", 45), ("1:05", 65), ("2:00:00", 7200), ("1-00:00:10", 86410), ("UNLIMITED", None)],
)
def test_the_time_left_is_read_as_slurm_writes_it(text, seconds):
    assert parse_time_left(text) == seconds


def test_a_truncated_state_is_skipped_for_the_one_before(
    uninterrupted, tmp_path, steps_trained, capfd
):
    case.prepare(tmp_path, case.REPLICAS)
    case.program(tmp_path, "step", 37).wait()
    last = case.states(tmp_path)[-1]
    assert [path.stem for path in case.states(tmp_path)] == ["state_step36", "state_step37"]
    last.write_bytes(last.read_bytes()[:-100])
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 60])
    assert steps_trained == list(range(36, 60))
    warning = (
        r"warning: \S+/state_step37.safetensors cannot be read .* skipped for the state before"
    )
    assert re.search(warning, capfd.readouterr().err)
    case.assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_directory_in_place_of_a_state_is_skipped(uninterrupted, tmp_path, steps_trained, capfd):
    case.prepare(tmp_path, case.REPLICAS)
    case.program(tmp_path, "step", 37).wait()
    last = case.states(tmp_path)[-1]
    last.unlink()
    (last / "inside").mkdir(parents=True)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 60])
    assert steps_trained == list(range(36, 60))
    assert re.search(r"warning: \S+/state_step37.safetensors cannot be", capfd.readouterr().err)
    case.assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_directory_in_place_of_a_checkpoint_is_replaced(uninterrupted, tmp_path):
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40])
    (kept,) = tmp_path.glob(".work/*/checkpoints/step20.safetensors")
    kept.unlink()
    (kept / "inside").mkdir(parents=True)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40])
    case.assert_same_weights(tmp_path, uninterrupted, 20)


def test_a_state_of_other_settings_is_skipped(uninterrupted, tmp_path, steps_trained, capfd):
    other = case.train_spec(case.REPLICAS, learning_rate=0.25)
    case.prepare(tmp_path / "other", case.REPLICAS)
    case.run(tmp_path / "other", other, [20])
    case.prepare(tmp_path, case.REPLICAS)
    case.program(tmp_path, "step", 1).wait()
    steps_trained.clear()
    shutil.copy(case.states(tmp_path / "other")[-1], case.states(tmp_path)[0].parent)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [30, 60])
    assert steps_trained == list(range(1, 60))
    assert "state_step20.safetensors is of another spec; skipped" in capfd.readouterr().err
    case.assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_later_checkpoint_extends_the_run(uninterrupted, tmp_path, steps_trained):
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40])
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40, 60])
    assert steps_trained == list(range(40, 60))
    for step in (20, 40, 60):
        case.assert_same_weights(tmp_path, uninterrupted, step)
    losses = [pd.read_parquet(d / "losses.parquet") for d in (tmp_path, uninterrupted)]
    pd.testing.assert_frame_equal(*(frame.drop(columns="steps_per_second") for frame in losses))


@pytest.fixture(scope="module")
def uninterrupted_online(tmp_path_factory):
    directory = tmp_path_factory.mktemp("online")
    case.prepare(directory, case.REPLICAS, online_steps=60)
    case.run(directory, case.train_spec(case.REPLICAS, "online", **CONSTANT), [20, 40, 60])
    return directory


CONSTANT = {"steps": None, "decay_from": 1.0}


def test_more_steps_online_go_on_although_more_strings_are_read(
    uninterrupted_online, tmp_path, steps_trained
):
    spec = case.train_spec(case.REPLICAS, "online", **CONSTANT)
    for checkpoints, trained in (([20, 40], range(40)), ([20, 40, 60], range(40, 60))):
        steps_trained.clear()
        case.prepare(tmp_path, case.REPLICAS, online_steps=checkpoints[-1])
        case.run(tmp_path, spec, checkpoints)
        assert steps_trained == list(trained)
    for step in (20, 40, 60):
        case.assert_same_weights(tmp_path, uninterrupted_online, step)
    losses = [pd.read_parquet(d / "losses.parquet") for d in (tmp_path, uninterrupted_online)]
    pd.testing.assert_frame_equal(*(frame.drop(columns="steps_per_second") for frame in losses))


def test_other_strings_are_learnt_from_nothing_online_too(tmp_path, steps_trained):
    spec = case.train_spec(case.REPLICAS, "online", **CONSTANT)
    for replicas in (case.REPLICAS, [[2, 0, 0], [3, 0, 0]]):
        case.prepare(tmp_path, replicas, online_steps=20)
        steps_trained.clear()
        case.run(tmp_path, spec, [20])
        assert steps_trained == list(range(20))


def test_an_earlier_checkpoint_is_filled_in(uninterrupted, tmp_path, steps_trained):
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [40])
    steps_trained.clear()
    case.program(tmp_path, "step", 13).wait()
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40])
    assert steps_trained == list(range(13, 20))
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 30, 40])  # passes step 20 once more
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40, 60])
    assert steps_trained == list(range(40, 60))
    for step in (20, 40, 60):
        case.assert_same_weights(tmp_path, uninterrupted, step)
    losses = pd.read_parquet(tmp_path / "losses.parquet")
    assert losses["step"].unique().tolist() == [20, 40, 60]
    assert not losses.duplicated(["step", "replica", "split", "noise_low", "noise_high"]).any()


def test_a_checkpoint_that_was_spoilt_is_made_anew(uninterrupted, tmp_path):
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40])
    spoilt = tmp_path / "checkpoints/step20.safetensors"  # and with it its link in the workspace
    spoilt.write_bytes(spoilt.read_bytes()[:-8] + bytes(8))
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20, 40])
    case.assert_same_weights(tmp_path, uninterrupted, 20)


def test_other_settings_never_resume(tmp_path, steps_trained):
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS), [20])
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(case.REPLICAS, learning_rate=0.25), [20])
    assert steps_trained == list(range(20))


def test_what_descends_from_other_grammars_never_resumes(tmp_path, steps_trained):
    # as after an update that writes grammars anew, and from them the very same strings
    case.prepare(tmp_path, case.REPLICAS)
    for lineage in ({"rhm/grammar_g0.safetensors": name} for name in "ab"):
        spec = replace(case.train_spec(case.REPLICAS), lineage=lineage)
        case.run(tmp_path, spec, [20])
        checkpoint = tensors.read_tensors(tmp_path / "checkpoints/step20.safetensors", "checkpoint")
        assert checkpoint.stamp["lineage"] == lineage
    assert steps_trained == [*range(20), *range(20)]


def test_a_replica_of_an_ensemble_learns_what_it_learns_alone(uninterrupted, tmp_path):
    case.prepare(tmp_path, [[1, 0, 0]])
    case.run(tmp_path, case.train_spec([[1, 0, 0]]), [60])
    together, alone = case.weights(uninterrupted, 60), case.weights(tmp_path, 60)
    for name in alone:
        np.testing.assert_allclose(together[name][1], alone[name][0], rtol=1e-3, atol=1e-3)


def test_a_network_learns_from_compiled_losses_what_it_learns_otherwise(
    uninterrupted, tmp_path, capsys
):
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS, compile=True), [60])
    assert "not compiled" not in capsys.readouterr().err
    compiled, eager = case.weights(tmp_path, 60), case.weights(uninterrupted, 60)
    assert compiled.keys() == eager.keys()
    for name in eager:
        np.testing.assert_allclose(compiled[name], eager[name], rtol=1e-3, atol=1e-3)


def test_without_a_compiler_training_goes_on_without_it(
    uninterrupted, tmp_path, monkeypatch, capsys
):
    def fails(*_, **__):
        raise RuntimeError("no working\nC++ compiler")

    monkeypatch.setattr(torch, "compile", lambda losses, dynamic: fails)
    case.prepare(tmp_path, case.REPLICAS)
    case.run(tmp_path, case.train_spec(case.REPLICAS, compile=True), [60])
    warning = "warning: training: not compiled, no working C++ compiler\n"
    assert warning in capsys.readouterr().err
    found, eager = case.weights(tmp_path, 60), case.weights(uninterrupted, 60)
    assert all((found[name] == eager[name]).all() for name in eager)


def test_training_lowers_the_loss(uninterrupted):
    losses = pd.read_parquet(uninterrupted / "losses.parquet")
    whole = losses[(losses["noise_low"] == 0) & (losses["noise_high"] == 1)]
    mean = whole[whole["split"] == "training"].groupby("step")["loss"].mean()
    assert mean[60] < mean[20] < np.log(4)


def test_a_loss_that_is_not_finite_stops_the_job_with_step_and_rate(tmp_path):
    case.prepare(tmp_path, case.REPLICAS)
    with pytest.raises(PipelineError, match=r"not finite at step \d+, learning rate 1e\+20"):
        case.run(tmp_path, case.train_spec(case.REPLICAS, learning_rate=1e20), [20])


def test_the_learning_rate_falls_linearly_over_the_end_of_the_run():
    factor = linear_decay(steps=100, decay_from=0.5)
    assert [factor(step) for step in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]
    assert linear_decay(steps=100, decay_from=1.0)(99) == 1.0
    assert linear_decay(steps=None, decay_from=1.0)(10**9) == 1.0
