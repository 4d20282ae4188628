"""An image training job that takes seconds; also a program, so that a test can kill it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.base.randomness import hash64
from pipeline.image import model
from pipeline.training.train import train
from tests.unit.settings_case import BARE, spec_of
from tests.unit.training_case import kill_at

SIZE = 4
MADE = replace(BARE, plain={"settings": {}})
STEPS = [10, 80]
TRAIN = {
    "size": SIZE,
    "noise": {"noise_levels": 50, "schedule": "cosine"},
    "network": {
        "width": 16,
        "groups": 4,
        "residual_blocks": 1,
        "multipliers": [1, 2],
        "attention": [2],
        "heads": 2,
    },
    "training": {
        "loss": "improved_hybrid",
        "learning_rate": 0.01,
        "beta1": 0.9,
        "beta2": 0.99,
        "weight_decay": 0.0,
        "warmup_steps": 0,
        "gradient_clip": None,
        "batch_size": 16,
        "trajectories": 1,
        "compile": False,
        "low_discrepancy": True,
        "average_decays": [0.9],
        "average_warmup": True,
    },
    "cell": {
        "setting": {"setting": "greys_4px"},
        "dataset_size": "online",
        "replicas": [[None, 0, 0]],
    },
}


def prepare(directory: Path, training: int = 64, validation: int = 48) -> Path:
    """Write a dataset of images of one grey value each; return its path."""
    values = hash64(1, np.arange(training + validation)) % np.uint64(256)
    images = np.repeat(values[:, None], 3 * SIZE**2, axis=1).astype(np.uint8)[None]
    tensors = {"training": images[:, :training], "validation": images[:, training:]}
    dataset = directory / "dataset.safetensors"
    write_tensors(dataset, tensors, make_stamp("dataset", MADE, {}))
    return dataset


def run(directory: Path) -> None:
    checkpoints = [directory / f"checkpoints/step{step}.safetensors" for step in STEPS]
    spec = spec_of("train", "image", TRAIN)
    dataset, losses = directory / "dataset.safetensors", directory / "losses.parquet"
    train(spec, model, [], dataset, checkpoints, losses, True, state_interval=0.0)


if __name__ == "__main__":
    kill_at(int(sys.argv[2]))
    run(Path(sys.argv[1]))
