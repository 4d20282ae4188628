"""Stage `measure`: samples of a trajectory to rows of estimates with standard errors."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from pipeline import artifacts, tables


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
    data = artifacts.read_tensors(dataset, "dataset")
    training, cell = data.tensors["training"], data.stamp["spec"]["settings"]["cell"]
    truths = measures.load_sources(sources)
    rows, inputs = [], {"dataset": data.sha256}
    for path in samples:
        generated = artifacts.read_tensors(path, "samples")
        inputs[path.name] = generated.sha256
        seen = _seen(training, generated.stamp)
        for r, seeds in enumerate(cell["replicas"]):
            tokens = generated.tensors["tokens"][r]
            place = dict(zip(tables.SEEDS, seeds, strict=True)) | {"step": generated.stamp["step"]}
            found = measures.observe(truths[r], tokens, seen[r], spec["settings"])
            rows += [
                {**cell["setting"], "dataset_size": cell["dataset_size"], **place, **asdict(row)}
                for row in found
            ]
    upstream = {"sample": generated.stamp["spec"], "train": generated.stamp["trained"]}
    stamp = {**artifacts.make_stamp("measurements", spec, inputs), "upstream": upstream}
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _seen(training: np.ndarray, stamp: dict) -> np.ndarray:
    """Training strings that a model had read: all, or online, those up to its step."""
    trained = stamp["trained"]["settings"]
    if trained["cell"]["dataset_size"] != "online":
        return training
    return training[:, : stamp["step"] * trained["training"]["batch_size"]]
