"""Training, its resumption, its losses and probes on a GPU are those of the CPU."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from pipeline.artifacts.tensors import read_tensors
from pipeline.base.errors import PipelineError
from pipeline.noise.losses import LOSSES
from pipeline.rhm.model import build_network
from pipeline.rhm.probe import Examination
from pipeline.rhm.settings import Probe
from pipeline.text import probe as text_probe
from pipeline.text import settings as text_settings
from pipeline.training.evaluation import evaluate
from tests.gpu.cases import CASES, CPU, products_in
from tests.unit import training_case as case

REPLICAS = [[0, 0, 0], [1, 0, 0]]
ADAM = {"kind": "adam", "beta1": 0.9, "beta2": 0.999}
RUNS = {
    "sgd": {},
    "adam": {"optimizer": ADAM, "learning_rate_unit": "one", "learning_rate": 1e-3},
    "averaged": {"average_decays": [0.9]},
}


def trained(directory, *attempts, **training):
    """Weights at the last step, after attempts that each train up to their last step."""
    directory.mkdir(exist_ok=True)
    case.prepare(directory, REPLICAS)
    for steps in attempts:
        case.run(directory, case.train_spec(REPLICAS, **training), steps)
    return case.weights(directory, attempts[-1][-1])


def largest_error(found, expected):
    assert found.keys() == expected.keys()
    return max(
        np.linalg.norm(found[name] - value) / np.linalg.norm(value)
        for name, value in expected.items()
    )


@pytest.mark.parametrize("training", RUNS.values(), ids=RUNS)
def test_a_training_that_was_resumed_equals_an_uninterrupted_one(device, tmp_path, training):
    expected = trained(tmp_path / "whole", [12], **training)
    found = trained(tmp_path / "resumed", [6], [6, 12], **training)
    error = largest_error(found, expected)
    print(f"resumed on {device}: largest relative error {error}")
    # On a CPU to the last bit; a GPU may choose kernels anew, whose sums have another order.
    assert error <= (0 if device.type == "cpu" else 1e-4)


@pytest.mark.parametrize("training", RUNS.values(), ids=RUNS)
def test_it_learns_what_the_cpu_does(device, tmp_path, monkeypatch, training):
    weights = []
    for place in (device, CPU):
        monkeypatch.setattr("pipeline.training.train.choose_device", lambda place=place: place)
        with products_in("float32"):
            weights.append(trained(tmp_path / f"on{len(weights)}", [12], **training))
    error = largest_error(*weights)
    print(f"trained on {device}: largest relative error {error}")
    assert error < 2e-2  # Adam's steps have the sign even of gradients that are mere rounding


def test_a_captured_training_learns_the_same_and_resumes(device, tmp_path, capfd):
    if device.type != "cuda":
        pytest.skip("CUDA graphs are a GPU's")
    expected = trained(tmp_path / "plain", [40])
    found = trained(tmp_path / "captured", [20], [20, 40], compile=True)
    assert "no CUDA graph" not in capfd.readouterr().err
    assert largest_error(found, expected) < 5e-2  # compiled, all is rounded otherwise


def test_losses_that_are_no_numbers_end_a_training(device, tmp_path):
    with pytest.raises(PipelineError, match=r"is not finite (at|after) step \d+"):
        trained(tmp_path, [60], learning_rate=1e30)


def test_losses_at_checkpoints_are_those_of_the_cpu(device):
    of_case = CASES["normed_unet_tf32"]
    network, noise = of_case.network(), of_case.noise
    tokens = np.random.default_rng(0).integers(0, noise.symbols, (3, 40, 8), dtype=np.uint8)
    loss = LOSSES[of_case.settings.training.loss]
    arguments = noise, loss, tokens, of_case.model.replica_keys(of_case.settings)
    expected, found = (evaluate(network.to(d), *arguments) for d in (CPU, device))
    for one, other in zip(expected, found, strict=True):
        assert (one.replica, one.noise_low, one.count) == (
            other.replica,
            other.noise_low,
            other.count,
        )
        assert other.loss == pytest.approx(one.loss, rel=1e-2, abs=1e-4)


def test_probes_of_grammars_are_those_of_the_cpu(device, tmp_path):
    dataset = case.prepare(tmp_path, REPLICAS)
    data, trained = read_tensors(dataset, "dataset"), case.train_spec(REPLICAS).settings
    sources = [tmp_path / f"grammar_g{seed}.safetensors" for seed, *_ in REPLICAS]
    found = []
    for place in (CPU, device):
        examine = Examination(Probe(strings=4), trained, sources, data.tensors, place)
        with torch.inference_mode():
            found.append(examine(build_network(trained).to(place).eval()))
    for expected, rows in zip(*found, strict=True):
        for one, other in zip(expected, rows, strict=True):
            assert (one.quantity, one.level, one.block) == (
                other.quantity,
                other.level,
                other.block,
            )
            if np.isfinite(one.estimate):  # of nothing moved, a ratio is none
                assert other.estimate == pytest.approx(one.estimate, rel=1e-2, abs=1e-3)


def test_probes_of_text_are_those_of_the_cpu(device):
    of_case = CASES["transformer"]
    blocks = np.random.default_rng(0).integers(0, 5, (1, 10, 12))
    settings = text_settings.Probe(windows=[1, 4], blocks=10)
    network, losses = of_case.network().eval(), []
    for place in (CPU, device):
        arguments = settings, of_case.settings, [], {"validation": blocks}, place
        examine = text_probe.Examination(*arguments)
        with torch.inference_mode():
            losses.append([examine.losses(network.to(place).logits_at, n) for n in (1, 4)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=5e-2, atol=5e-2)


def test_two_processes_learn_what_one_does(device, tmp_path):
    if device.type == "cuda" and torch.cuda.device_count() < 2:
        pytest.skip("there are not two GPUs")
    if device.type == "cpu":
        pytest.skip("tests/unit/test_training_processes.py has it")
    weights = []
    for processes in ("1", "2"):
        directory = tmp_path / processes
        directory.mkdir()
        case.prepare(directory, REPLICAS)
        command = [sys.executable, "-m", "tests.unit.training_case", directory, "none", "0"]
        subprocess.run([*command, processes], check=True, env=os.environ, timeout=120)
        weights.append(case.weights(directory, 60))
    assert largest_error(weights[1], weights[0]) < 1e-3
