"""Training resumes exactly, extends rather than restarts, and says what went wrong."""

import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from pipeline.artifacts import tensors
from pipeline.base.errors import PipelineError
from pipeline.training.optimizers import linear_decay
from pipeline.training.stopping import parse_time_left
from pipeline.training.train import Progress
from tests.unit import training_case as case

REPLICAS = [[0, 0, 0], [1, 0, 0]]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    case.prepare(directory, REPLICAS)
    case.run(directory, case.train_spec(REPLICAS), [20, 40, 60])
    return directory


def assert_same_weights(one: Path, other: Path, step: int) -> None:
    a, b = case.weights(one, step), case.weights(other, step)
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[name], b[name]) for name in a)


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


def program(directory: Path, fault: str, number: int = 0, processes: int = 1) -> subprocess.Popen:
    """Training up to step 60 in a process of its own."""
    arguments = [str(directory), fault, str(number), str(processes)]
    command = [sys.executable, "-m", "tests.unit.training_case", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


KILLED_AT = random.Random(4).sample(range(1, 60), 9)


@pytest.mark.parametrize(
    ("fault", "number"), [*(("step", step) for step in KILLED_AT), ("write", 30)]
)
def test_a_killed_run_resumes_to_bitwise_the_same_weights(
    uninterrupted, tmp_path, fault, number, steps_trained
):
    case.prepare(tmp_path, REPLICAS)
    assert program(tmp_path, fault, number).wait() == -signal.SIGKILL
    assert not (tmp_path / "losses.parquet").exists()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 60])
    assert steps_trained == list(range(number if fault == "step" else 28, 60))
    assert not list(tmp_path.rglob(".*.tmp")), "what the killed attempt was writing is left over"
    for step in (20, 60):
        assert_same_weights(tmp_path, uninterrupted, step)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_saves_and_resumes(
    uninterrupted, tmp_path, steps_trained, number
):
    case.prepare(tmp_path, REPLICAS)
    process = program(tmp_path, "none")
    while not list(tmp_path.glob(".work/*/state_step*")):
        time.sleep(0.005)
    process.send_signal(number)
    _, log = process.communicate()
    stopped = int(re.search(r"stopped after step (\d+) of 60, as it was told to end", log)[1])
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 60])
    assert steps_trained == list(range(stopped, 60))
    assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_run_short_of_time_saves_and_resumes(uninterrupted, tmp_path, steps_trained, monkeypatch):
    case.prepare(tmp_path, REPLICAS)
    message = "after step 1 of 60, as its time limit is near; resume me"
    with monkeypatch.context() as patch, pytest.raises(PipelineError, match=message):
        patch.setattr("pipeline.training.stopping.seconds_left", lambda: 0.0)
        case.run(tmp_path, case.train_spec(REPLICAS), [20, 60], state_interval=1e9)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 60])
    assert steps_trained == list(range(60))
    assert_same_weights(tmp_path, uninterrupted, 60)


def states(directory: Path) -> list[Path]:
    return sorted(directory.glob(".work/*/state_step*"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45", 45), ("1:05", 65), ("2:00:00", 7200), ("1-00:00:10", 86410), ("UNLIMITED", None)],
)
def test_the_time_left_is_read_as_slurm_writes_it(text, seconds):
    assert parse_time_left(text) == seconds


def test_a_truncated_state_is_skipped_for_the_one_before(
    uninterrupted, tmp_path, steps_trained, capfd
):
    case.prepare(tmp_path, REPLICAS)
    program(tmp_path, "step", 37).wait()
    last = states(tmp_path)[-1]
    assert [path.stem for path in states(tmp_path)] == ["state_step36", "state_step37"]
    last.write_bytes(last.read_bytes()[:-100])
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 60])
    assert steps_trained == list(range(36, 60))
    warning = (
        r"warning: \S+/state_step37.safetensors cannot be read .* skipped for the state before"
    )
    assert re.search(warning, capfd.readouterr().err)
    assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_directory_in_place_of_a_state_is_skipped(uninterrupted, tmp_path, steps_trained, capfd):
    case.prepare(tmp_path, REPLICAS)
    program(tmp_path, "step", 37).wait()
    last = states(tmp_path)[-1]
    last.unlink()
    (last / "inside").mkdir(parents=True)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 60])
    assert steps_trained == list(range(36, 60))
    assert re.search(r"warning: \S+/state_step37.safetensors cannot be", capfd.readouterr().err)
    assert_same_weights(tmp_path, uninterrupted, 60)


def test_a_directory_in_place_of_a_checkpoint_is_replaced(uninterrupted, tmp_path):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    (kept,) = tmp_path.glob(".work/*/checkpoints/step20.safetensors")
    kept.unlink()
    (kept / "inside").mkdir(parents=True)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    assert_same_weights(tmp_path, uninterrupted, 20)


def test_a_state_of_other_settings_is_skipped(uninterrupted, tmp_path, steps_trained, capfd):
    other = case.train_spec(REPLICAS, learning_rate=0.25)
    case.prepare(tmp_path / "other", REPLICAS)
    case.run(tmp_path / "other", other, [20])
    case.prepare(tmp_path, REPLICAS)
    program(tmp_path, "step", 1).wait()
    steps_trained.clear()
    shutil.copy(states(tmp_path / "other")[-1], states(tmp_path)[0].parent)
    case.run(tmp_path, case.train_spec(REPLICAS), [30, 60])
    assert steps_trained == list(range(1, 60))
    assert "state_step20.safetensors is of another spec; skipped" in capfd.readouterr().err
    assert_same_weights(tmp_path, uninterrupted, 60)


def test_two_processes_learn_what_one_does(uninterrupted, tmp_path):
    case.prepare(tmp_path, REPLICAS)
    assert program(tmp_path, "none", processes=2).wait() == 0
    together, alone = case.weights(tmp_path, 60), case.weights(uninterrupted, 60)
    for name in alone:
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-3, atol=1e-4)
    losses = [pd.read_parquet(d / "losses.parquet") for d in (tmp_path, uninterrupted)]
    both = [frame[frame["step"] == 60].reset_index(drop=True) for frame in losses]
    pd.testing.assert_frame_equal(
        *(frame.drop(columns="steps_per_second") for frame in both), rtol=1e-3
    )


def test_two_processes_stop_together_and_resume_exactly(tmp_path):
    """The first saves in peace, although that takes longer than Lightning's patience."""
    calm, stopped = tmp_path / "calm", tmp_path / "stopped"
    for directory in (calm, stopped):
        case.prepare(directory, REPLICAS)
    process = program(stopped, "stop", number=14, processes=2)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "stopped after step 1 of 60, as its time limit is near" in log.splitlines()[-1]
    assert [path.stem for path in states(stopped)] == ["state_step1"]
    for directory in (calm, stopped):
        assert program(directory, "none", processes=2).wait() == 0
    assert_same_weights(stopped, calm, 60)


def test_no_process_outlives_the_first(tmp_path):
    case.prepare(tmp_path, REPLICAS)
    process = program(tmp_path, "wait", number=2, processes=2)
    deadline = time.monotonic() + 120
    while "state_step2" not in [path.stem for path in states(tmp_path)]:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(3)  # until both wait, and neither for the other
    others = psutil.Process(process.pid).children(recursive=True)
    assert others
    process.kill()
    _, alive = psutil.wait_procs(others, timeout=30)
    for left in alive:
        left.kill()
    process.communicate()
    assert not alive


def test_processes_train_on_a_port_of_their_own(tmp_path, monkeypatch):
    """Also where a user's shell says that they belong to others, on a port that is taken."""
    case.prepare(tmp_path, REPLICAS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for name in ("MASTER_PORT", "STANDALONE_PORT"):
            monkeypatch.setenv(name, str(taken.getsockname()[1]))
        for name, value in {"LOCAL_RANK": "1", "WORLD_SIZE": "4", "NODE_RANK": "3"}.items():
            monkeypatch.setenv(name, value)
        process = program(tmp_path, "none", processes=2)
        _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log


def test_processes_that_cannot_share_a_batch_are_refused(tmp_path):
    case.prepare(tmp_path, REPLICAS)
    process = program(tmp_path, "none", processes=4)
    _, log = process.communicate(timeout=120)
    assert process.returncode != 0
    assert (
        "training.batch_size = 6 cannot be shared equally by 4 processes x 1 parts; choose" in log
    )


def test_a_later_checkpoint_extends_the_run(uninterrupted, tmp_path, steps_trained):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40, 60])
    assert steps_trained == list(range(40, 60))
    for step in (20, 40, 60):
        assert_same_weights(tmp_path, uninterrupted, step)
    losses = [pd.read_parquet(d / "losses.parquet") for d in (tmp_path, uninterrupted)]
    pd.testing.assert_frame_equal(*(frame.drop(columns="steps_per_second") for frame in losses))


@pytest.fixture(scope="module")
def uninterrupted_online(tmp_path_factory):
    directory = tmp_path_factory.mktemp("online")
    case.prepare(directory, REPLICAS, online_steps=60)
    case.run(directory, case.train_spec(REPLICAS, "online", **CONSTANT), [20, 40, 60])
    return directory


CONSTANT = {"steps": None, "decay_from": 1.0}


def test_more_steps_online_go_on_although_more_strings_are_read(
    uninterrupted_online, tmp_path, steps_trained
):
    spec = case.train_spec(REPLICAS, "online", **CONSTANT)
    for checkpoints, trained in (([20, 40], range(40)), ([20, 40, 60], range(40, 60))):
        steps_trained.clear()
        case.prepare(tmp_path, REPLICAS, online_steps=checkpoints[-1])
        case.run(tmp_path, spec, checkpoints)
        assert steps_trained == list(trained)
    for step in (20, 40, 60):
        assert_same_weights(tmp_path, uninterrupted_online, step)
    losses = [pd.read_parquet(d / "losses.parquet") for d in (tmp_path, uninterrupted_online)]
    pd.testing.assert_frame_equal(*(frame.drop(columns="steps_per_second") for frame in losses))


def test_other_strings_are_learnt_from_nothing_online_too(tmp_path, steps_trained):
    spec = case.train_spec(REPLICAS, "online", **CONSTANT)
    for replicas in (REPLICAS, [[2, 0, 0], [3, 0, 0]]):
        case.prepare(tmp_path, replicas, online_steps=20)
        steps_trained.clear()
        case.run(tmp_path, spec, [20])
        assert steps_trained == list(range(20))


def test_an_earlier_checkpoint_is_filled_in(uninterrupted, tmp_path, steps_trained):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [40])
    steps_trained.clear()
    program(tmp_path, "step", 13).wait()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    assert steps_trained == list(range(13, 20))
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 30, 40])  # passes step 20 once more
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40, 60])
    assert steps_trained == list(range(40, 60))
    for step in (20, 40, 60):
        assert_same_weights(tmp_path, uninterrupted, step)
    losses = pd.read_parquet(tmp_path / "losses.parquet")
    assert losses["step"].unique().tolist() == [20, 40, 60]
    assert not losses.duplicated(["step", "replica", "split", "noise_low", "noise_high"]).any()


def test_a_checkpoint_that_was_spoilt_is_made_anew(uninterrupted, tmp_path):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    spoilt = tmp_path / "checkpoints/step20.safetensors"  # and with it its link in the workspace
    spoilt.write_bytes(spoilt.read_bytes()[:-8] + bytes(8))
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    assert_same_weights(tmp_path, uninterrupted, 20)


def test_other_settings_never_resume(tmp_path, steps_trained):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [20])
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(REPLICAS, learning_rate=0.25), [20])
    assert steps_trained == list(range(20))


def test_what_descends_from_other_grammars_never_resumes(tmp_path, steps_trained):
    # as after an update that writes grammars anew, and from them the very same strings
    case.prepare(tmp_path, REPLICAS)
    for lineage in ({"rhm/grammar_g0.safetensors": name} for name in "ab"):
        spec = replace(case.train_spec(REPLICAS), lineage=lineage)
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
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS, compile=True), [60])
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
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS, compile=True), [60])
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
    case.prepare(tmp_path, REPLICAS)
    with pytest.raises(PipelineError, match=r"not finite at step \d+, learning rate 1e\+20"):
        case.run(tmp_path, case.train_spec(REPLICAS, learning_rate=1e20), [20])


def test_the_learning_rate_falls_linearly_over_the_end_of_the_run():
    factor = linear_decay(steps=100, decay_from=0.5)
    assert [factor(step) for step in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]
    assert linear_decay(steps=100, decay_from=1.0)(99) == 1.0
    assert linear_decay(steps=None, decay_from=1.0)(10**9) == 1.0
