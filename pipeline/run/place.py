"""Where in a run a job is: what its rule's wildcards say."""

from typing import Protocol

from pipeline.stages.paths import CELL, SETTING


class Place(Protocol):
    """Wildcards of a job, of which it has those that are in the paths of its outputs."""

    run: str
    domain: str
    setting: str
    dataset_size: str
    replicas: str
    grammar_seed: str
    table: str
    registry: str
    archive: str
    repository: str


def setting_directory(place: Place) -> str:
    """Directory of the setting of a job."""
    return SETTING.format(run=place.run, domain=place.domain, setting=place.setting)


def cell_directory(place: Place) -> str:
    """Directory of the trajectory of a job."""
    return CELL.format(
        run=place.run,
        domain=place.domain,
        setting=place.setting,
        dataset_size=place.dataset_size,
        replicas=place.replicas,
    )
