"""Training resumes exactly, extends rather than restarts, and says what went wrong."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import PipelineError
from pipeline.training.module import learning_rate_factor
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


def killed_after(directory: Path, seconds: float) -> None:
    """Start training in a process of its own and kill -9 it once it has saved a state."""
    command = [sys.executable, "-m", "tests.unit.training_case", str(directory)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path.cwd())
    while not list(directory.glob(".work/*/state.safetensors")) and process.poll() is None:
        time.sleep(0.005)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() in (-signal.SIGKILL, 0)


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_a_killed_run_resumes_to_bitwise_the_same_weights(
    uninterrupted, tmp_path, seconds, steps_trained
):
    case.prepare(tmp_path, REPLICAS)
    killed_after(tmp_path, seconds)
    assert not (tmp_path / "losses.csv").exists(), "killed too late to test anything"
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 60])
    assert steps_trained[0] > 0
    assert steps_trained[-1] == 59
    for step in (20, 60):
        assert_same_weights(tmp_path, uninterrupted, step)


def test_a_later_checkpoint_extends_the_run(uninterrupted, tmp_path, steps_trained):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40, 60])
    assert steps_trained == list(range(40, 60))
    for step in (20, 40, 60):
        assert_same_weights(tmp_path, uninterrupted, step)
    losses = [pd.read_csv(d / "losses.csv") for d in (tmp_path, uninterrupted)]
    pd.testing.assert_frame_equal(*(frame.drop(columns="steps_per_second") for frame in losses))


def test_an_earlier_checkpoint_is_filled_in(uninterrupted, tmp_path, steps_trained):
    case.prepare(tmp_path, REPLICAS)
    case.run(tmp_path, case.train_spec(REPLICAS), [40])
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40])
    assert steps_trained == list(range(20))
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 30, 40])  # passes step 20 once more
    steps_trained.clear()
    case.run(tmp_path, case.train_spec(REPLICAS), [20, 40, 60])
    assert steps_trained == list(range(40, 60))
    for step in (20, 40, 60):
        assert_same_weights(tmp_path, uninterrupted, step)
    losses = pd.read_csv(tmp_path / "losses.csv")
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


def test_a_replica_of_an_ensemble_learns_what_it_learns_alone(uninterrupted, tmp_path):
    case.prepare(tmp_path, [[1, 0, 0]])
    case.run(tmp_path, case.train_spec([[1, 0, 0]]), [60])
    together, alone = case.weights(uninterrupted, 60), case.weights(tmp_path, 60)
    for name in alone:
        np.testing.assert_allclose(together[name][1], alone[name][0], rtol=1e-3, atol=1e-3)


def test_training_lowers_the_loss(uninterrupted):
    losses = pd.read_csv(uninterrupted / "losses.csv")
    whole = losses[(losses["noise_low"] == 0) & (losses["noise_high"] == 1)]
    mean = whole[whole["split"] == "training"].groupby("step")["loss"].mean()
    assert mean[60] < mean[20] < np.log(4)


def test_a_loss_that_is_not_finite_stops_the_job_with_step_and_rate(tmp_path):
    case.prepare(tmp_path, REPLICAS)
    with pytest.raises(PipelineError, match=r"not finite at step \d+, learning rate 1e\+20"):
        case.run(tmp_path, case.train_spec(REPLICAS, learning_rate=1e20), [20])


def test_the_learning_rate_falls_linearly_over_the_end_of_the_run():
    factor = learning_rate_factor(steps=100, decay_from=0.5)
    assert [factor(step) for step in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]
    assert learning_rate_factor(steps=100, decay_from=1.0)(99) == 1.0
