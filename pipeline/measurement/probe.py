"""Stage `probe`: what the networks of a trajectory know, against what can be known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import pandas as pd
import torch

from pipeline.artifacts import tables
from pipeline.artifacts.chosen_rows import Strings, map_dataset
from pipeline.artifacts.tensors import make_stamp, read_tensors
from pipeline.artifacts.upstream import settings_in
from pipeline.base.cells import Trained
from pipeline.base.device import choose_device
from pipeline.base.section import Section
from pipeline.base.spec import Spec
from pipeline.networks.network import Network
from pipeline.networks.restore import Builder, TrainSettings, restore_network

_Network = TypeVar("_Network", bound=Network)
_Probed_contra = TypeVar("_Probed_contra", bound=Network, contravariant=True)
_Settings = TypeVar("_Settings", bound=Section)
_Settings_contra = TypeVar("_Settings_contra", bound=Section, contravariant=True)
_Trained_contra = TypeVar("_Trained_contra", bound=Trained, contravariant=True)


@dataclass(frozen=True)
class ProbeRow:
    """One number about one network.

    Attributes:
        quantity: what was measured.
        estimate: its value.
        standard_error: of the estimate, over strings.
        count: strings behind it.
        level: level of the data's hierarchy, or None.
        block: block of the network, or None.
        window: adjacent tokens that were masked, in part or all, or None.
        noise_low: lower end of the range of noise levels, as a fraction of T.
        noise_high: upper end of the range.
    """

    quantity: str
    estimate: float
    standard_error: float
    count: int
    level: int | None = None
    block: str | None = None
    window: int | None = None
    noise_low: float = 0.0
    noise_high: float = 1.0


class Probes(Protocol[_Probed_contra, _Settings_contra, _Trained_contra]):
    """A domain's `probe` part, a module."""

    def Examination(
        self,
        settings: _Settings_contra,
        trained: _Trained_contra,
        sources: Sequence[Path],
        data: Mapping[str, Strings],
        device: torch.device,
        /,
    ) -> Callable[[_Probed_contra], list[list[ProbeRow]]]:
        """The same questions for every network of a trajectory: a class, or a function.

        Args:
            settings: of the `probe` stage.
            trained: of the `train` stage.
            sources: the domain's source artifacts, one per replica.
            data: of the cell, `training`, `validation` and perhaps `test` [R, N, d].
            device: where networks are.

        Returns:
            From a network to rows, a list for every replica.
        """
        ...


def probe(
    spec: Spec[_Settings],
    model: Builder[_Network, TrainSettings],
    probes: Probes[_Network, _Settings, TrainSettings],
    sources: Sequence[Path],
    dataset: Path,
    checkpoints: Sequence[Path],
    output: Path,
) -> None:
    """Probe every replica at every checkpoint.

    Args:
        spec: spec of the stage.
        model: the domain's `model` part.
        probes: the domain's `probe` part.
        sources: the domain's source artifacts, one per replica.
        dataset: the cell's data, of which the domain's part takes what it needs.
        checkpoints: inputs of one trajectory.
        output: Parquet file of one row per replica, step and estimate.
    """
    data, device = map_dataset(dataset, sources), choose_device()
    rows, inputs, examine = [], dict(data.inputs), None
    for path in checkpoints:
        weights = read_tensors(path, "checkpoint")
        inputs[path.name] = weights.sha256
        trained = settings_in(weights.stamp["spec"], path, model.TRAINED)
        if examine is None:
            examine = probes.Examination(spec.settings, trained, sources, data.strings, device)
        with torch.inference_mode():
            found = examine(restore_network(model, weights, device))
        places = tables.places(trained.cell, weights.stamp["step"])
        for place, replica_rows in zip(places, found, strict=True):
            rows += [{**place, **asdict(row)} for row in replica_rows]
    stamp = make_stamp("probes", spec, inputs)
    tables.write_table(output, pd.DataFrame(rows), stamp)
