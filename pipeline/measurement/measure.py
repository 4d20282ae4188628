"""Stage `measure`: samples of a trajectory, or controls, to rows of estimates with errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from pipeline.artifacts import streams, tables
from pipeline.artifacts.samples import sample_places
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.types import Settings, Spec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Truth = TypeVar("_Truth")


class Measures(Protocol[_Truth]):
    """A domain's `measure` part, a module, or `trees`.

    Attributes:
        KIND: kind of the artifacts that it measures.
        KNOWN: kind of the data that models were trained on.
    """

    KIND: str
    KNOWN: str

    def load_sources(self, sources: Sequence[Path], settings: Settings, /) -> list[_Truth]:
        """What the samples of every replica, or of all, are compared with.

        Args:
            sources: one artifact per replica, or one for all.
            settings: of the stage.
        """
        ...

    def observe(
        self,
        truth: _Truth,
        generated: Mapping[str, np.ndarray],
        known: Mapping[str, np.ndarray],
        settings: Settings,
        /,
    ) -> Iterator["DataclassInstance"]:
        """Rows of one replica at one checkpoint, or of a control.

        Args:
            truth: of the replica, from `load_sources`.
            generated: tensors of the measured artifact, without their axis of replicas: `tokens`
                [N, d], and features of them if it has any.
            known: likewise of the data, the training set only as far as the model had read it;
                nothing if the stage is given no data.
            settings: of the stage.

        Yields:
            Dataclasses whose fields are columns.
        """
        ...


def measure(
    spec: Spec,
    measures: Measures[_Truth],
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


def _known(splits: Mapping[str, np.ndarray], stamp: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Splits of the data, the training strings only as far as the model had read them.

    These are all, or online, those up to its step.
    """
    trained = stamp["trained"]["settings"]
    if trained["cell"]["dataset_size"] != "online":
        return dict(splits)
    read = stamp["step"] * trained["training"]["batch_size"]
    return {**splits, "training": splits["training"][:, :read]}


def _upstream(stamp: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Specs of the stages that samples, or features of them, went through."""
    specs = (stamp.get("trained"), stamp.get("sampled"), stamp["spec"])
    return {spec["stage"]: spec for spec in specs if spec}
