"""A training job so small that it takes seconds; also a program, so that a test can kill it."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from pipeline.artifacts import tensors
from pipeline.base.spec import Spec
from pipeline.datasets.build import make_dataset
from pipeline.rhm import data, model
from pipeline.rhm.grammar.rules import make_grammar
from pipeline.training import stopping
from pipeline.training.module import Denoising
from pipeline.training.train import train
from tests.unit.settings_case import spec_of

SETTING = {"v": 4, "m": 2, "s": 2, "L": 2}
REPLICAS = [[0, 0, 0], [1, 0, 0]]


def cell(replicas: list[list[int]], size: str = "12") -> dict:
    return {"setting": SETTING, "dataset_size": size, "replicas": replicas}


def train_spec(
    replicas: list[list[int]], size: str = "12", noise: dict | None = None, **training: object
) -> Spec:
    defaults = {
        "loss": "cross_entropy",
        "optimizer": {"kind": "sgd", "momentum": 0.9},
        "learning_rate": 0.5,
        "learning_rate_unit": "width",
        "batch_size": 6,
        "trajectories": 1,
        "steps": 60,
        "decay_from": 0.5,
        "average_decays": [],
        "average_warmup": True,
        "compile": False,
        "low_discrepancy": False,
    }
    settings = {
        "noise": {
            "process": "uniform",
            "noise_levels": 20,
            "schedule": {"kind": "linear_alpha_bar"},
            "mixture": "exact",
        }
        | (noise or {}),
        "network": {
            "architecture": "plain_unet",
            "width": 16,
            "noise_input": "cosines",
            "precision": "tf32",
        },
        "training": defaults | training,
        "cell": cell(replicas, size),
    }
    return spec_of("train", "rhm", settings)


def grammar_spec(setting: dict, seed: int) -> Spec:
    return spec_of("grammar", "rhm", {**setting, "seed": seed})


def prepare(directory: Path, replicas: list[list[int]], online_steps: int | None = None) -> Path:
    """Write grammars and the dataset, online of so many steps; return the dataset's path."""
    sources = []
    for grammar_seed, *_ in replicas:
        sources.append(directory / f"grammar_g{grammar_seed}.safetensors")
        make_grammar(grammar_spec(SETTING, grammar_seed), sources[-1])
    count, size = (6 * online_steps, "online") if online_steps else (12, "12")
    sizes = {"validation_size": 8, "test_size": 8, "training_size": count}
    dataset = directory / "dataset.safetensors"
    spec = spec_of("dataset", "rhm", {**sizes, "cell": cell(replicas, size)})
    make_dataset(spec, data, sources, dataset)
    return dataset


def run(
    directory: Path, spec: Spec, steps: list[int], processes: int = 1, state_interval: float = 0.0
) -> None:
    checkpoints = [directory / f"checkpoints/step{step}.safetensors" for step in steps]
    dataset, losses = directory / "dataset.safetensors", directory / "losses.parquet"
    files = [], dataset, checkpoints, losses
    train(spec, model, *files, True, processes, state_interval=state_interval)


def weights(directory: Path, step: int) -> dict:
    path = directory / f"checkpoints/step{step}.safetensors"
    return tensors.read_tensors(path, "checkpoint").tensors


def assert_same_weights(one: Path, other: Path, step: int) -> None:
    a, b = weights(one, step), weights(other, step)
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[name], b[name]) for name in a)


def states(directory: Path) -> list[Path]:
    return sorted(directory.glob(".work/*/state_step*"))


def program(directory: Path, fault: str, number: int = 0, processes: int = 1) -> subprocess.Popen:
    """Training up to step 60 in a process of its own."""
    arguments = [str(directory), fault, str(number), str(processes)]
    command = [sys.executable, "-m", "tests.unit.training_case", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def kill_at(step: int) -> None:
    """Have this process killed right before the given step."""
    original = Denoising.training_step

    def training_step(self, batch, index):
        if batch[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, batch, index)

    Denoising.training_step = training_step


def kill_in_write(number: int) -> None:
    """Have this process killed half-way through the given write of a safetensors file."""
    original, writes = tensors.save_file, itertools.count(1)

    def save_file(arrays, path, metadata):
        original(arrays, path, metadata)
        if next(writes) == number:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    tensors.save_file = save_file


def stop_at_once(seconds: int) -> None:
    """Have training find itself short of time, with states that take long to be written."""
    stopping.seconds_left = lambda: 0.0
    original = tensors.save_file

    def save_file(arrays, path, metadata):
        time.sleep(seconds)
        original(arrays, path, metadata)

    tensors.save_file = save_file


def wait_in_step(step: int) -> None:
    """Have training wait in the given step until it is killed."""
    original = Denoising.training_step

    def training_step(self, batch, index):
        if batch[0] == step:
            time.sleep(600)
        return original(self, batch, index)

    Denoising.training_step = training_step


FAULTS = {"none": lambda _: None, "step": kill_at, "write": kill_in_write, "stop": stop_at_once}
FAULTS |= {"wait": wait_in_step}

if __name__ == "__main__":
    directory, fault, number, processes = sys.argv[1:]
    FAULTS[fault](int(number))
    interval = 1e9 if fault == "stop" else 0.0  # so that only the stop itself saves
    spec = train_spec(REPLICAS)
    run(Path(directory), spec, [20, 60], int(processes), interval)
