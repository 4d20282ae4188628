"""Strings of the Random Hierarchy Model: an order of its own for every grammar and data seed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.datasets.build import Tensors
from pipeline.rhm.grammar.rules import load_grammar
from pipeline.rhm.settings import DatasetSettings
from pipeline.rhm.strings.splits import StringSource

SOURCE = None


def build(settings: DatasetSettings, sources: Sequence[Path]) -> tuple[Tensors, dict[str, str]]:
    """Tensors of `make_dataset`, and the content hashes of the grammars they were derived from."""
    splits: dict[str, list[np.ndarray]] = {"training": [], "validation": [], "test": []}
    inputs = {}
    replicas = settings.cell.seeds
    for path, (grammar_seed, data_seed, _) in zip(sources, replicas, strict=True):
        grammar, inputs[path.name] = load_grammar(path)
        held_out = settings.validation_size, settings.test_size
        source = StringSource.of_seeds(grammar, grammar_seed, data_seed, *held_out)
        splits["training"].append(source.training(0, settings.training_size))
        splits["validation"].append(source.validation())
        splits["test"].append(source.test())
    shape = (len(replicas), -1, splits["test"][0].shape[1])
    return {name: (shape, parts) for name, parts in splits.items()}, inputs
