"""Training and validation sets out of a source that is split already: text blocks, images.

Every data seed has an order of its own and a training set is its beginning, so training sets of one
seed are nested.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.artifacts import streams
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.datasets.build import Tensors
from pipeline.datasets.settings import Subset

_ROWS = 4096
"""Rows in memory at a time."""


def choose_rows(
    settings: Subset, path: Path, kind: str, key: str, rows: str
) -> tuple[Tensors, dict[str, str]]:
    """Tensors of `make_dataset`, and the content hash of the source that they were taken from.

    Args:
        settings: of the stage.
        path: source artifact with `training` [N, d] and `validation` [N', d].
        kind: of the source artifact.
        key: section of the config that has the dataset sizes.
        rows: what rows are called in messages.

    Raises:
        PipelineError: the source has fewer training rows than the dataset is to have.
    """
    source = streams.map_tensors(path, kind)
    training, validation = source.tensors["training"], source.tensors["validation"]
    size = settings.training_size or len(training)
    if size > len(training):
        raise PipelineError(
            f"{key}.dataset_sizes: {size} exceeds the {len(training)} training {rows} of {path}; "
            "choose smaller ones"
        )
    data_seeds = [replica.data_seed for replica in settings.cell.replicas]
    held_out = permutation(len(validation), f"validation {rows}")[: settings.validation_size]
    orders = [permutation(len(training), seed, f"training {rows}")[:size] for seed in data_seeds]
    shape = (len(data_seeds), -1, training.shape[1])
    tensors = {
        "training": (shape, _gather(training, orders)),
        "validation": (shape, _gather(validation, [held_out] * len(data_seeds))),
    }
    return tensors, {path.name: source.sha256}


def _gather(source: np.ndarray, orders: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    for order in orders:
        for start in range(0, len(order), _ROWS):
            yield source[order[start : start + _ROWS]]
