"""Stage `measure`: samples of a trajectory, or controls, to rows of estimates with errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from pipeline.artifacts import streams, tables
from pipeline.artifacts.samples import sample_places, training_settings
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.cells import Trained
from pipeline.base.section import Section
from pipeline.base.spec import Spec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Truth = TypeVar("_Truth")
_Settings = TypeVar("_Settings", bound=Section)
_Settings_contra = TypeVar("_Settings_contra", bound=Section, contravariant=True)


class Measures(Protocol[_Truth, _Settings_contra]):
    """A domain's `measure` part, a module, or `trees`.

    Attributes:
        KIND: kind of the artifacts that it measures.
        KNOWN: kind of the data that models were trained on.
    """

    KIND: str
    KNOWN: str

    @property
    def TRAINED(self) -> type[Trained]:
        """Class of the domain's settings of `train`, which samples carry."""
        ...

    def load_sources(self, sources: Sequence[Path], settings: _Settings_contra, /) -> list[_Truth]:
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
        settings: _Settings_contra,
        /,
    ) -> Iterator["DataclassInstance"]:
        """Rows of one replica at one checkpoint, or of a control.

        Args:
            truth: of the replica, from `load_sources`.
            generated: tensors of the measured artifact, without their axis of replicas: `tokens`
                [N, d], and features of them if it has any.
            known: likewise of the data, strings or numbers of rows of a source, the training set
                only as far as the model had read it; nothing if the stage is given no data.
            settings: of the stage.

        Yields:
            Dataclasses whose fields are columns.
        """
        ...


def measure(
    spec: Spec[_Settings],
    measures: Measures[_Truth, _Settings],
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
    truths = measures.load_sources(sources, spec.settings)
    data = None if dataset is None else streams.map_tensors(dataset, measures.KNOWN)
    rows, inputs = [], {} if data is None else {"dataset": data.sha256}
    for path in samples:
        generated = streams.map_tensors(path, measures.KIND)
        inputs[path.name] = generated.sha256
        trained = training_settings(generated, measures.TRAINED)
        known = {} if data is None else _known(data.tensors, trained, generated.stamp["step"])
        for i, place in enumerate(sample_places(generated, trained)):
            replica = i % len(truths)  # of each kind of weights
            tensors, strings = _replica(generated.tensors, i), _replica(known, replica)
            found = measures.observe(truths[replica], tensors, strings, spec.settings)
            rows += [{**place, **asdict(row)} for row in found]
    upstream = {"upstream": _upstream(generated.stamp)}
    stamp = make_stamp(output.stem, spec, inputs) | upstream
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _replica(tensors: Mapping[str, np.ndarray], replica: int) -> dict[str, np.ndarray]:
    return {name: np.asarray(tensor[replica]) for name, tensor in tensors.items()}


def _known(
    splits: Mapping[str, np.ndarray], trained: Trained | None, step: int
) -> dict[str, np.ndarray]:
    """Splits of the data, the training strings only as far as the model had read them.

    It had read all of them, or, online, those up to its step.
    """
    if trained is None or not trained.cell.is_online:
        return dict(splits)
    read = step * trained.training.batch_size
    return {**splits, "training": splits["training"][:, :read]}


def _upstream(stamp: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Specs of the stages that samples, or features of them, went through."""
    specs = (stamp.get("trained"), stamp.get("sampled"), stamp["spec"])
    return {spec["stage"]: spec for spec in specs if spec}
