"""Names of the cells of the workflow, and what they say. Standard library only, to start soon.

A *cell* is one job of each stage: a setting (grammar parameters, tokenizer and context, or a set of
images), a dataset size, and the replicas that train together. A replica is a (grammar seed, data
seed, network seed) triple; a group of them is labelled like `g0d0n0+g1d0n0`, without the g part
where there is no grammar.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.base.errors import PipelineError

REPLICAS_PATTERN = r"(g\d+)?d\d+n\d+(\+(g\d+)?d\d+n\d+)*"
ONLINE = "online"


class Replica(NamedTuple):
    """One repetition of an experiment: a network on a training set of a grammar."""

    grammar_seed: int | None
    data_seed: int
    network_seed: int


class Cell(NamedTuple):
    """One trajectory of the grid, by the wildcards of its paths."""

    setting: str
    dataset_size: str
    replicas: str

    @property
    def label(self) -> str:
        """Name of the cell in its domain, and its place below the domain's directory."""
        return f"{self.setting}/P{self.dataset_size}/{self.replicas}"


def parse_replicas(label: str) -> list[Replica]:
    """Replicas of a label such as `g0d0n0+g1d0n0`.

    Raises:
        PipelineError: a part of the label names no replica.
    """
    return [_parse_replica(part, label) for part in label.split("+")]


def _parse_replica(part: str, label: str) -> Replica:
    if (match := re.fullmatch(r"(?:g(\d+))?d(\d+)n(\d+)", part)) is None:
        raise PipelineError(
            f"replicas {label!r}: {part!r} names no replica; write g0d0n0, or d0n0 where there is "
            "no grammar, with + between replicas"
        )
    return Replica(None if match[1] is None else int(match[1]), int(match[2]), int(match[3]))


def replica_label(replicas: Sequence[Replica]) -> str:
    """Inverse of `parse_replicas`."""
    return "+".join(
        ("" if r.grammar_seed is None else f"g{r.grammar_seed}")
        + f"d{r.data_seed}n{r.network_seed}"
        for r in replicas
    )


def parse_setting(label: str) -> dict[str, int | str]:
    """Columns of a setting: grammar parameters of a label such as `v16_m4_s2_L3`, or the label."""
    match = re.fullmatch(r"v(\d+)_m(\d+)_s(\d+)_L(\d+)", label)
    if match is None:
        return {"setting": label}
    return dict(zip("vmsL", map(int, match.groups()), strict=True))


def cell_directory(root: str, cell: Cell) -> str:
    """Where everything of a cell is written, below the directory of its run and domain."""
    return f"{root}/{cell.label}"
