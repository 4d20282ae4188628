"""Training and validation sets out of a source that is split already: text blocks, images.

Every data seed has an order of its own and a training set is its beginning, so training sets of one
seed are nested. Rows are numbered and not copied, as a copy in every cell might fill the disk.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.artifacts.tensors import read_layout
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.datasets.build import Tensors
from pipeline.datasets.settings import Subset


def choose_rows(
    settings: Subset, path: Path, kind: str, key: str, rows: str
) -> tuple[Tensors, dict[str, str]]:
    """Tensors of `make_dataset`, and the content hash of the source whose rows they number.

    Only the header of the source is read: whoever reads its rows checks them.

    Args:
        settings: of the stage.
        path: source artifact with `training` [N, d] and `validation` [N', d].
        kind: of the source artifact.
        key: section of the config that has the dataset sizes.
        rows: what rows are called in messages.

    Raises:
        PipelineError: the source has fewer training rows than the dataset is to have.
    """
    source = read_layout(path, kind)
    training, validation = (source.entries[name]["shape"][0] for name in ("training", "validation"))
    size = settings.training_size or training
    if size > training:
        raise PipelineError(
            f"{key}.dataset_sizes: {size} exceeds the {training} training {rows} of {path}; "
            "choose smaller ones"
        )
    data_seeds = [replica.data_seed for replica in settings.cell.replicas]
    held_out = permutation(validation, f"validation {rows}")[: settings.validation_size]
    orders = [permutation(training, seed, f"training {rows}")[:size] for seed in data_seeds]
    shape = (len(data_seeds), -1)
    tensors = {
        "training": (shape, _numbers(orders, training)),
        "validation": (shape, _numbers([held_out] * len(data_seeds), validation)),
    }
    return tensors, {path.name: source.stamp["sha256"]}


def _numbers(orders: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """Orders of some of `count` rows, in the smallest unsigned integers that number all of them."""
    return [order.astype(np.min_scalar_type(count - 1)) for order in orders]
