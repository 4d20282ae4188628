"""A text training job that takes seconds; also a program, so that a test can kill it."""

import sys
from pathlib import Path

import numpy as np

from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.base.randomness import hash64
from pipeline.datasets.build import make_dataset
from pipeline.text import data, model
from pipeline.training.train import train
from tests.unit.settings_case import BARE, spec_of
from tests.unit.training_case import kill_at

SYMBOLS, CONTEXT = 5, 12
STEPS = [10, 20]
CELL = {
    "setting": {"setting": "characters5_context12"},
    "dataset_size": "online",
    "replicas": [[None, 0, 0]],
}
NETWORK = {
    "layers": 1,
    "heads": 2,
    "width": 16,
    "rotary_base": 100.0,
    "initialisation": "open_gates",
}
TRAINING = {
    "loss": "variational_bound",
    "learning_rate": 0.01,
    "beta1": 0.9,
    "beta2": 0.99,
    "weight_decay": 0.0,
    "warmup_steps": 5,
    "gradient_clip": 1.0,
    "batch_size": 8,
    "trajectories": 1,
    "cosine_steps": 20,
    "low_discrepancy": True,
    "average_decays": [0.9],
    "average_warmup": True,
    "compile": False,
}
TRAIN = {
    "symbols": SYMBOLS,
    "context": CONTEXT,
    "network": NETWORK,
    "training": TRAINING,
    "cell": CELL,
}


def write_corpus(path: Path, validation: int = 16, training: int = 64) -> None:
    """Text that counts up from a random token, so that there is something to learn."""
    starts = hash64(1, np.arange(validation + training)) % np.uint64(SYMBOLS)
    tokens = (starts[:, None].astype(int) + np.arange(CONTEXT)) % SYMBOLS
    tensors = {"validation": tokens[:validation], "training": tokens[validation:]}
    stamp = make_stamp("corpus", BARE, {})
    facts = {"vocabulary_size": SYMBOLS, "end_of_document": SYMBOLS - 1}
    tensors = {name: part.astype(np.uint16) for name, part in tensors.items()}
    write_tensors(path, tensors, stamp | {"corpus": facts})


def prepare(directory: Path) -> Path:
    """Write the corpus and the dataset; return the dataset's path."""
    directory.mkdir(exist_ok=True)
    write_corpus(directory / "corpus.safetensors")
    settings = {"training_size": None, "validation_size": 8, "cell": CELL}
    dataset = directory / "dataset.safetensors"
    spec = spec_of("dataset", "text", settings)
    make_dataset(spec, data, [directory / "corpus.safetensors"], dataset)
    return dataset


def run(directory: Path, processes: int = 1, accumulation: int = 1) -> None:
    checkpoints = [directory / f"checkpoints/step{step}.safetensors" for step in STEPS]
    spec = spec_of("train", "text", TRAIN)
    sources, dataset = [directory / "corpus.safetensors"], directory / "dataset.safetensors"
    files = sources, dataset, checkpoints, directory / "losses.parquet"
    shares = {"processes": processes, "accumulation": accumulation}
    train(spec, model, *files, True, state_interval=0.0, **shares)


if __name__ == "__main__":
    directory, processes, accumulation, step = sys.argv[1:]
    kill_at(int(step))
    run(Path(directory), int(processes), int(accumulation))
