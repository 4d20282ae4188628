"""Stage `measure`: samples of a trajectory to rows of estimates with standard errors."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from pipeline import artifacts, streams, tables


def measure(
    spec: dict,
    measures: ModuleType,
    sources: Sequence[Path],
    dataset: Path,
    samples: Sequence[Path],
    output: Path,
) -> None:
    """Measure every replica at every checkpoint.

    Args:
        spec: spec of the stage.
        measures: the domain's `measure` part.
        sources: the domain's source artifacts, one per replica.
        dataset: the cell's data.
        samples: samples of each checkpoint.
        output: Parquet file of one row per replica, step and estimate.
    """
    data = streams.map_tensors(dataset, "dataset")
    cell = data.stamp["spec"]["settings"]["cell"]
    truths = measures.load_sources(sources, spec["settings"])
    rows, inputs = [], {"dataset": data.sha256}
    for path in samples:
        generated = artifacts.read_tensors(path, "samples")
        inputs[path.name] = generated.sha256
        known = {**data.tensors, "training": _seen(data.tensors["training"], generated.stamp)}
        for r, place in enumerate(tables.places(cell, generated.stamp["step"])):
            tokens = generated.tensors["tokens"][r]
            strings = {name: split[r] for name, split in known.items()}
            found = measures.observe(truths[r], tokens, strings, spec["settings"])
            rows += [{**place, **asdict(row)} for row in found]
    upstream = {"sample": generated.stamp["spec"], "train": generated.stamp["trained"]}
    stamp = {**artifacts.make_stamp("measurements", spec, inputs), "upstream": upstream}
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _seen(training: np.ndarray, stamp: dict) -> np.ndarray:
    """Training strings that a model had read: all, or online, those up to its step."""
    trained = stamp["trained"]["settings"]
    if trained["cell"]["dataset_size"] != "online":
        return training
    return training[:, : stamp["step"] * trained["training"]["batch_size"]]
