"""Stage `measure`: samples of a trajectory to rows of estimates with standard errors."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

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
        for r, (grammar_seed, seed) in enumerate(cell["replicas"]):
            tokens = generated.tensors["tokens"][r]
            place = {"grammar_seed": grammar_seed, "seed": seed, "step": generated.stamp["step"]}
            found = measures.observe(truths[r], tokens, training[r], spec["settings"])
            rows += [{**cell["setting"], **_size(cell), **place, **asdict(row)} for row in found]
    stamp = artifacts.make_stamp("measurements", spec, inputs)
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _size(cell: dict) -> dict:
    return {"dataset_size": cell["dataset_size"]}
