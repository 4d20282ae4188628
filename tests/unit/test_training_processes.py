"""Training on several processes: they learn what one does, stop together, and none is left."""

import socket
import time

import numpy as np
import pandas as pd
import psutil

from tests.unit import training_case as case


def test_two_processes_learn_what_one_does(tmp_path):
    directories = [tmp_path / "together", tmp_path / "alone"]
    for directory, processes in zip(directories, (2, 1), strict=True):
        case.prepare(directory, case.REPLICAS)
        assert case.program(directory, "none", processes=processes).wait() == 0
    together, alone = (case.weights(directory, 60) for directory in directories)
    for name in alone:
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-3, atol=1e-4)
    losses = [pd.read_parquet(d / "losses.parquet") for d in directories]
    both = [frame[frame["step"] == 60].reset_index(drop=True) for frame in losses]
    pd.testing.assert_frame_equal(
        *(frame.drop(columns="steps_per_second") for frame in both), rtol=1e-3
    )


def test_two_processes_stop_together_and_resume_exactly(tmp_path):
    """The first saves in peace, although that takes longer than Lightning's patience."""
    calm, stopped = tmp_path / "calm", tmp_path / "stopped"
    for directory in (calm, stopped):
        case.prepare(directory, case.REPLICAS)
    process = case.program(stopped, "stop", number=14, processes=2)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "stopped after step 1 of 60, as its time limit is near" in log.splitlines()[-1]
    assert [path.stem for path in case.states(stopped)] == ["state_step1"]
    for directory in (calm, stopped):
        assert case.program(directory, "none", processes=2).wait() == 0
    case.assert_same_weights(stopped, calm, 60)


def test_no_process_outlives_the_first(tmp_path):
    case.prepare(tmp_path, case.REPLICAS)
    process = case.program(tmp_path, "wait", number=2, processes=2)
    deadline = time.monotonic() + 120
    while "state_step2" not in [path.stem for path in case.states(tmp_path)]:
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
    case.prepare(tmp_path, case.REPLICAS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for name in ("MASTER_PORT", "STANDALONE_PORT"):
            monkeypatch.setenv(name, str(taken.getsockname()[1]))
        for name, value in {"LOCAL_RANK": "1", "WORLD_SIZE": "4", "NODE_RANK": "3"}.items():
            monkeypatch.setenv(name, value)
        process = case.program(tmp_path, "none", processes=2)
        _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log


def test_processes_that_cannot_share_a_batch_are_refused(tmp_path):
    case.prepare(tmp_path, case.REPLICAS)
    process = case.program(tmp_path, "none", processes=4)
    _, log = process.communicate(timeout=120)
    assert process.returncode != 0
    assert (
        "training.batch_size = 6 cannot be shared equally by 4 processes x 1 parts; choose" in log
    )
