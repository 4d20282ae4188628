"""What samples on disk are of: a checkpoint, or a control, i.e. real data or made from them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import Artifact
from pipeline.artifacts.upstream import settings_in
from pipeline.base.cells import CellSettings, Trained
from pipeline.base.labels import replica_label
from pipeline.base.types import Values

_Trained = TypeVar("_Trained", bound=Trained)
_ORIGIN = ("step", "trained", "averages", "control")


def training_settings(samples: Artifact, kind: type[_Trained]) -> _Trained | None:
    """Settings of the training whose weights samples are of; none of controls.

    Args:
        samples: or what was made from them and carries their `sample_origin`.
        kind: class of the domain's settings of `train`.
    """
    if "control" in samples.stamp:
        return None
    return settings_in(samples.stamp["trained"], samples.path, kind)


def sample_places(samples: Artifact, trained: Trained | None) -> list[Values]:
    """Columns that say where samples belong, for every kind of weights and every replica.

    Args:
        samples: or what was made from them and carries their `sample_origin`.
        trained: their `training_settings`.
    """
    stamp = samples.stamp
    if trained is None:
        return [stamp["control"]]
    replicas = tables.places(trained.cell, stamp["step"])
    return [
        {**place, "average": float("nan") if average is None else average}
        for average in stamp["averages"]
        for place in replicas
    ]


def sample_origin(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of the stamp of samples that are repeated in stamps of what is made from them."""
    return {name: stamp[name] for name in _ORIGIN if name in stamp}


def cell_name(cell: CellSettings) -> str:
    """What a cell is called in messages, by its setting, dataset size and seeds of replicas."""
    setting = " ".join(f"{name}={value}" for name, value in cell.setting)
    replicas = replica_label(cell.replicas)
    return f"{setting}, dataset_size={cell.dataset_size}, replicas={replicas}"
