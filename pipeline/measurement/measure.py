"""Stage `measure`: samples of a trajectory, or controls, to rows of estimates with errors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from pipeline.artifacts import streams, tables
from pipeline.artifacts.samples import sample_places
from pipeline.artifacts.tensors import make_stamp


def measure(
    spec: dict,
    measures: ModuleType,
    sources: Sequence[Path],
    dataset: Path | None,
    samples: Sequence[Path],
    output: Path,
) -> None:
    """Measure every replica at every checkpoint, or every control.

    Args:
        spec: spec of the stage.
        measures: the domain's part. Its `KIND` is that of the artifacts that it reads, `KNOWN` that
            of the data.
        sources: what to compare with, one artifact per replica.
        dataset: the cell's data, for a part that looks at them.
        samples: artifacts of each checkpoint, or of controls.
        output: Parquet file of one row per replica, step (or control) and estimate; its name is
            the kind of table.
    """
    truths = measures.load_sources(sources, spec["settings"])
    data = None if dataset is None else streams.map_tensors(dataset, measures.KNOWN)
    rows, inputs = [], {} if data is None else {"dataset": data.sha256}
    for path in samples:
        generated = streams.map_tensors(path, measures.KIND)
        inputs[path.name] = generated.sha256
        known = {} if data is None else _known(data.tensors, generated.stamp)
        for i, place in enumerate(sample_places(generated.stamp)):
            replica = i % len(truths)  # of each kind of weights
            tensors, strings = _replica(generated.tensors, i), _replica(known, replica)
            found = measures.observe(truths[replica], tensors, strings, spec["settings"])
            rows += [{**place, **asdict(row)} for row in found]
    upstream = {"upstream": _upstream(generated.stamp)}
    stamp = make_stamp(output.stem, spec, inputs) | upstream
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _replica(tensors: Mapping[str, np.ndarray], replica: int) -> dict[str, np.ndarray]:
    return {name: np.asarray(tensor[replica]) for name, tensor in tensors.items()}


def _known(splits: Mapping[str, np.ndarray], stamp: Mapping) -> dict[str, np.ndarray]:
    """Splits of the data, the training strings only as far as the model had read them.

    These are all, or online, those up to its step.
    """
    trained = stamp["trained"]["settings"]
    if trained["cell"]["dataset_size"] != "online":
        return dict(splits)
    read = stamp["step"] * trained["training"]["batch_size"]
    return {**splits, "training": splits["training"][:, :read]}


def _upstream(stamp: Mapping) -> dict[str, dict]:
    """Specs of the stages that samples, or features of them, went through."""
    specs = (stamp.get("trained"), stamp.get("sampled"), stamp["spec"])
    return {spec["stage"]: spec for spec in specs if spec}
