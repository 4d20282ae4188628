"""What samples on disk are of: a checkpoint, or a control, i.e. real data or made from them."""

from collections.abc import Mapping
from typing import Any

from pipeline.artifacts import tables
from pipeline.base.types import Values

_ORIGIN = ("step", "trained", "averages", "control")


def sample_places(stamp: Mapping[str, Any]) -> list[Values]:
    """Columns that say where samples belong, for every kind of weights and every replica.

    Args:
        stamp: of samples, or of what was made from them and carries their `sample_origin`.
    """
    if "control" in stamp:
        return [stamp["control"]]
    replicas = tables.places(stamp["trained"]["settings"]["cell"], stamp["step"])
    return [
        {**place, "average": float("nan") if average is None else average}
        for average in stamp["averages"]
        for place in replicas
    ]


def sample_origin(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of the stamp of samples that are repeated in stamps of what is made from them."""
    return {name: stamp[name] for name in _ORIGIN if name in stamp}


def cell_name(cell: Mapping[str, Any]) -> str:
    """What a cell is called in messages, by its setting, dataset size and seeds of replicas."""
    setting = " ".join(f"{name}={value}" for name, value in cell["setting"].items())
    return f"{setting}, dataset_size={cell['dataset_size']}, replicas={cell['replicas']}"
