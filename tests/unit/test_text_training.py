"""Training the text model: shares, parts, stops and averages change nothing but rounding."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.artifacts.tensors import read_tensors
from pipeline.base.errors import PipelineError
from pipeline.networks.averages import averaged_weights
from tests.unit import text_training_case as case


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    directory = tmp_path_factory.mktemp("alone")
    case.prepare(directory)
    case.run(directory)
    return directory


def tensors(directory, step):
    path = directory / f"checkpoints/step{step}.safetensors"
    return read_tensors(path, "checkpoint").tensors


def assert_close(one, other, step, **tolerance):
    a, b = tensors(one, step), tensors(other, step)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], **tolerance, err_msg=name)


def program(directory: Path, *arguments: object) -> subprocess.Popen:
    words = [str(directory), *map(str, arguments)]
    command = [sys.executable, "-m", "tests.unit.text_training_case", *words]
    # As many threads as here, where another test may have set them: sums depend on their number.
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def test_two_processes_learn_what_one_does(alone, tmp_path):
    case.prepare(tmp_path)
    assert program(tmp_path, 2, 1, -1).wait() == 0
    assert_close(tmp_path, alone, 10, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("parts", [2, 4])
def test_gradients_summed_over_parts_of_a_batch_are_those_of_the_batch(alone, tmp_path, parts):
    case.prepare(tmp_path)
    case.run(tmp_path, accumulation=parts)
    assert_close(tmp_path, alone, 10, rtol=1e-3, atol=2e-5)
    losses = [pd.read_parquet(d / "losses.parquet") for d in (tmp_path, alone)]
    assert losses[0]["loss"].to_numpy() == pytest.approx(losses[1]["loss"].to_numpy(), rel=1e-3)


def test_a_killed_run_resumes_to_bitwise_the_same_weights_and_averages(alone, tmp_path):
    case.prepare(tmp_path)
    assert program(tmp_path, 1, 1, 13).wait() == -signal.SIGKILL
    case.run(tmp_path)
    for step in case.STEPS:
        assert_close(tmp_path, alone, step, rtol=0, atol=0)


def test_a_killed_run_of_parts_resumes_exactly_too(tmp_path):
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for directory in (calm, killed):
        case.prepare(directory)
    case.run(calm, accumulation=2)
    assert program(killed, 1, 2, 7).wait() == -signal.SIGKILL
    case.run(killed, accumulation=2)
    assert_close(killed, calm, case.STEPS[-1], rtol=0, atol=0)


def test_checkpoints_hold_weights_and_averages(alone):
    found = tensors(alone, 20)
    weights, averages = averaged_weights(found, None), averaged_weights(found, 0.9)
    assert weights.keys() == averages.keys()
    moved = [not np.array_equal(weights[name], averages[name]) for name in weights]
    assert np.mean(moved) > 0.9


def test_training_lowers_the_loss_below_that_of_a_uniform_guess(alone):
    losses = pd.read_parquet(alone / "losses.parquet")
    whole = losses.query("noise_low == 0 and noise_high == 1 and split == 'validation'")
    assert whole.set_index("step")["loss"][20] < 0.9 * np.log(case.SYMBOLS)


def test_a_batch_that_cannot_be_cut_into_parts_is_refused(tmp_path):
    case.prepare(tmp_path)
    with pytest.raises(PipelineError, match="batch_size = 8 cannot be shared equally by 1 proc"):
        case.run(tmp_path, accumulation=3)
