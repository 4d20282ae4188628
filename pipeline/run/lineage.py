"""What the inputs of a job descend from, and whether they belong together.

Every stamp repeats the content hashes of what an artifact was made from, and of what that was made
from, by their places in the run. Two inputs of a job that were made from two versions of one
artifact, or an input that was made from another version than is there, are refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.artifacts.places import place_of
from pipeline.artifacts.stamps import sealed_stamp
from pipeline.artifacts.tensors import check_place
from pipeline.base.errors import PipelineError
from pipeline.base.labels import ONLINE

_GROWING = f"P{ONLINE}"
"""Directory of cells whose data are read once: a run that goes on makes more of them."""
_CELL_DEPTH = 4
"""Directories of a run that the files of a cell are below."""


class _Version(NamedTuple):
    sha256: str
    told_by: Path


def gather_lineage(inputs: Iterable[Path | None], outputs: Sequence[Path]) -> dict[str, str]:
    """Content hashes that the stamps of a job's outputs have to repeat, by place in the run.

    Artifacts of a cell matter to no other, so the lineage of what is made of many cells lacks them.

    Args:
        inputs: files of the job; those outside of runs, and those that no stamp can be read from,
            are left to the stage itself.
        outputs: files that it makes.

    Raises:
        PipelineError: an input was made at another place, or inputs were made from different
            versions of one artifact.
    """
    output, found = outputs[0], list(_stamps(inputs))
    # By the directory of the run, too, as some jobs compare runs.
    known = {(run, place): _Version(stamp["sha256"], path) for path, run, place, stamp in found}
    for path, run, _, stamp in found:
        check_place(path, stamp)
        for place, sha256 in stamp.get("lineage", {}).items():
            version = known.setdefault((run, place), _Version(sha256, path))
            if version.sha256 != sha256:
                raise _conflict(path, run + place, version.told_by, output)
    here, home = _split(output)
    versions = {place: version.sha256 for (run, place), version in known.items() if run == here}
    return {place: sha256 for place, sha256 in versions.items() if _counts(place, home)}


def _stamps(
    inputs: Iterable[Path | None],
) -> Iterator[tuple[Path, str, str, Mapping[str, Any]]]:
    """Inputs in a run, the directory of this run, their places in it, and what their stamps say."""
    for path in filter(None, inputs):
        run, place = _split(path)
        stamp = sealed_stamp(path) if place else None
        if stamp is not None and "sha256" in stamp:
            yield path, run, place, stamp


def _split(path: Path) -> tuple[str, str]:
    """Directory of the run that a file is in, with a slash, and its place; empty if in none."""
    place, text = place_of(path) or "", f"{path}"
    return text[: len(text) - len(place)], place


def _counts(place: str, home: str) -> bool:
    """Whether an artifact is part of the lineage of what is made at a place of the run."""
    directory = place.rpartition("/")[0]
    shared = place.count("/") < _CELL_DEPTH
    beside_or_above = home.startswith(f"{directory}/")
    return f"/{_GROWING}/" not in place and (shared or beside_or_above)


def _conflict(path: Path, ancestor: str, other: Path, output: Path) -> PipelineError:
    than = "is there" if f"{other}" == ancestor else f"{other} was"
    return PipelineError(
        f"{path} was made with another {ancestor} than {than}; rebuild what is made of it with: "
        f"snakemake {output} --forcerun {ancestor} (and the --profile or --config of this run)"
    )
