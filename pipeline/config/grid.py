"""From the grid of a config to the cells of the workflow."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from pipeline.base.labels import Cell, Replica, parse_replicas, replica_label
from pipeline.config.common import Replicas
from pipeline.config.image import ImageConfig
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig

DomainConfig = RhmConfig | TextConfig | ImageConfig
"""Section of a domain."""


def cells(domain: DomainConfig, trained: Iterable[Cell]) -> list[Cell]:
    """All cells of a domain: settings and sizes in the order of the config, then replicas.

    Replicas that were trained together stay together as long as the config names all of them, so
    that further seeds never break up a group. The other replicas are grouped among themselves, in
    the order of the config, `replicas_per_job` at a time. Cells that are trained in the meantime
    therefore leave the answer as it is: see `tests/unit/test_grid.py`.

    Args:
        domain: section of the config.
        trained: cells that have been trained, in whole or in part; where two of them share a
            replica, the first one counts.
    """
    wanted = _replicas(domain.grid)
    groups: dict[tuple[str, str], list[list[Replica]]] = {}
    for cell in trained:
        place = (cell.setting, cell.dataset_size)
        groups.setdefault(place, []).append(parse_replicas(cell.replicas))
    return [
        Cell(setting.label, str(size), replica_label(group))
        for setting in domain.settings
        for size in setting.dataset_sizes
        for group in _grouped(
            wanted, groups.get((setting.label, str(size)), []), domain.grid.replicas_per_job
        )
    ]


def _replicas(grid: Replicas) -> list[Replica]:
    grammar_seeds = getattr(grid, "grammar_seeds", [None])
    triples = product(grammar_seeds, grid.data_seeds, grid.network_seeds)
    return [Replica(*triple) for triple in triples]


def _grouped(
    wanted: Sequence[Replica], trained: Iterable[Sequence[Replica]], size: int
) -> list[Sequence[Replica]]:
    """Groups that are kept and new ones, in the order of the earliest replica of each."""
    place = {replica: number for number, replica in enumerate(wanted)}
    kept = list(_disjoint(trained, place.keys()))
    grouped = {replica for group in kept for replica in group}
    rest = [replica for replica in wanted if replica not in grouped]
    new = [rest[start : start + size] for start in range(0, len(rest), size)]
    return sorted([*kept, *new], key=lambda group: min(place[replica] for replica in group))


def _disjoint(
    groups: Iterable[Sequence[Replica]], wanted: Collection[Replica]
) -> Iterator[Sequence[Replica]]:
    """Groups that have wanted replicas only, none of which is in an earlier group."""
    free = set(wanted)
    for group in groups:
        if free.issuperset(group):
            free.difference_update(group)
            yield group
