"""Blocks of text: an order of its own for every data seed, so that training sets are nested."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline import streams
from pipeline.datasets.build import Tensors
from pipeline.errors import PipelineError
from pipeline.randomness import permutation

_ROWS = 4096
"""Blocks in memory at a time."""


def build(settings: dict, sources: Sequence[Path]) -> tuple[Tensors, dict[str, str]]:
    """Tensors of `make_dataset`, and the content hash of the corpus that they were taken from.

    Raises:
        PipelineError: the corpus has fewer training blocks than the dataset is to have.
    """
    corpus = streams.map_tensors(sources[0], "corpus")
    training, validation = corpus.tensors["training"], corpus.tensors["validation"]
    size = settings["training_size"] or len(training)
    if size > len(training):
        raise PipelineError(
            f"domains.text.grid.dataset_sizes: {size} exceeds the {len(training)} training blocks "
            f"of {sources[0]}; choose smaller ones"
        )
    data_seeds = [data_seed for _, data_seed, _ in settings["cell"]["replicas"]]
    held_out = permutation(len(validation), "validation blocks")[: settings["validation_size"]]
    orders = [permutation(len(training), seed, "training blocks")[:size] for seed in data_seeds]
    shape = (len(data_seeds), -1, training.shape[1])
    tensors = {
        "training": (shape, _gather(training, orders)),
        "validation": (shape, _gather(validation, [held_out] * len(data_seeds))),
    }
    return tensors, {sources[0].name: corpus.sha256}


def _gather(blocks: np.ndarray, orders: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    for order in orders:
        for start in range(0, len(order), _ROWS):
            yield blocks[order[start : start + _ROWS]]
