"""From the grid of a config to the cells of the workflow, and the paths that name them.

A *cell* is one job of each stage: a setting (grammar parameters), a dataset size, and the replicas
that train together. A replica is a (grammar seed, data seed, network seed) triple; a group of them
is labelled like `g0d0n0+g1d0n0` (domains without a grammar leave out the g part).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from pipeline.config.rhm import GrammarSetting, Grid, RhmConfig

REPLICAS_PATTERN = r"(g\d+)?d\d+n\d+(\+(g\d+)?d\d+n\d+)*"
ONLINE = "online"


@dataclass(frozen=True)
class Replica:
    """One repetition of an experiment: a network on a training set of a grammar."""

    grammar_seed: int
    data_seed: int
    network_seed: int


@dataclass(frozen=True)
class Cell:
    """One trajectory of the grid, by the wildcards of its paths."""

    setting: str
    dataset_size: str
    replicas: str

    @property
    def label(self) -> str:
        """Name of the cell in its domain, and its place below the domain's directory."""
        return f"{self.setting}/P{self.dataset_size}/{self.replicas}"


def parse_replicas(label: str) -> list[Replica]:
    """Replicas of a label such as `g0d0n0+g1d0n0`."""
    matches = (re.fullmatch(r"(?:g(\d+))?d(\d+)n(\d+)", part) for part in label.split("+"))
    return [Replica(*(int(seed or 0) for seed in match.groups())) for match in matches if match]


def replica_label(replicas: Sequence[Replica]) -> str:
    """Inverse of `parse_replicas`."""
    return "+".join(f"g{r.grammar_seed}d{r.data_seed}n{r.network_seed}" for r in replicas)


def parse_setting(label: str) -> dict[str, int]:
    """Grammar parameters of a label such as `v16_m4_s2_L3`."""
    return {part[0]: int(part[1:]) for part in label.split("_")}


def cells(grid: Grid) -> list[Cell]:
    """All cells of a grid, in the order of the config."""
    return [
        Cell(setting.label, str(size), replicas)
        for setting in grid.grammars
        for size in setting.dataset_sizes
        for replicas in _groups(grid)
    ]


def cell_directory(root: str, cell: Cell) -> str:
    """Where everything of a cell is written, below the directory of its run and domain."""
    return f"{root}/{cell.label}"


def parameter_count(domain: RhmConfig, setting: GrammarSetting) -> int:
    """Weights of one replica's U-Net, as `pipeline.networks.unet1d` builds it."""
    width, s, depth = domain.network.width, setting.s, setting.L
    inputs = setting.v + (domain.noise.process == "absorbing")
    features = 16 if domain.network.noise_conditioning else 1
    down = s * width * (inputs + (depth - 1) * width)
    up = s * width * width * (1 + 2 * (depth - 1))
    return down + up + 2 * depth * features * width + setting.v * (width + inputs)


def checkpoint_bytes(domain: RhmConfig, cell: Cell) -> int:
    """Size of one checkpoint of a cell, float32 weights of all its replicas."""
    settings = {setting.label: setting for setting in domain.grid.grammars}
    weights = parameter_count(domain, settings[cell.setting])
    return 4 * len(parse_replicas(cell.replicas)) * weights


def _groups(grid: Grid) -> list[str]:
    triples = product(grid.grammar_seeds, grid.data_seeds, grid.network_seeds)
    replicas = [Replica(*triple) for triple in triples]
    size = grid.replicas_per_job
    return [replica_label(replicas[i : i + size]) for i in range(0, len(replicas), size)]
