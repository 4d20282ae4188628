"""Strings of the Random Hierarchy Model: each replica has a grammar and an order of its own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.datasets.splits import StringSource
from pipeline.grammar.rules import load_grammar
from pipeline.randomness import stream_key


def build(settings: dict, sources: Sequence[Path]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays of `make_dataset`, and the content hashes of the grammars they were derived from."""
    splits: dict[str, list[np.ndarray]] = {"training": [], "validation": [], "test": []}
    inputs = {}
    for path, replica in zip(sources, settings["cell"]["replicas"], strict=True):
        grammar, inputs[path.name] = load_grammar(path)
        # of the grammar seed too: replicas must not share which rules their training sets cover
        key = stream_key(*replica, "strings")
        source = StringSource(grammar, key, settings["validation_size"], settings["test_size"])
        splits["training"].append(source.training(0, settings["training_size"]))
        splits["validation"].append(source.validation())
        splits["test"].append(source.test())
    return {name: np.stack(parts) for name, parts in splits.items()}, inputs
