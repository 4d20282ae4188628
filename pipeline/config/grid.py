"""From the grid of a config to the cells of the workflow."""

from itertools import product

from pipeline.config.common import Replicas
from pipeline.config.image import ImageConfig
from pipeline.config.labels import Cell, Replica, replica_label
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig

DomainConfig = RhmConfig | TextConfig | ImageConfig
"""Section of a domain."""


def cells(domain: DomainConfig) -> list[Cell]:
    """All cells of a domain, in the order of the config."""
    return [
        Cell(setting.label, str(size), replicas)
        for setting in domain.settings
        for size in setting.dataset_sizes
        for replicas in _groups(domain.grid)
    ]


def _groups(grid: Replicas) -> list[str]:
    grammar_seeds = getattr(grid, "grammar_seeds", [None])
    triples = product(grammar_seeds, grid.data_seeds, grid.network_seeds)
    replicas = [Replica(*triple) for triple in triples]
    size = grid.replicas_per_job
    return [replica_label(replicas[i : i + size]) for i in range(0, len(replicas), size)]
