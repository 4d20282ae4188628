"""What the inputs of a job descend from, and whether they belong together.

Every stamp repeats the content hashes of what an artifact was made from, and of what that was made
from, by their places in the run. Two inputs of a job that were made from two versions of one
artifact, or an input that was made from another version than is there, are refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
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
    output, stamps = outputs[0], list(_stamps(inputs))
    known = {path: _Version(stamp["sha256"], path) for path, stamp in stamps}
    for path, stamp in stamps:
        check_place(path, stamp)
        for place, sha256 in stamp.get("lineage", {}).items():
            ancestor = _run_of(path) / place
            version = known.setdefault(ancestor, _Version(sha256, path))
            if version.sha256 != sha256:
                raise _conflict(path, ancestor, version.told_by, output)
    run = _run_of(output)
    places = {path.relative_to(run): known[path] for path in known if _run_of(path) == run}
    home = output.relative_to(run).parent
    return {f"{place}": version.sha256 for place, version in places.items() if _counts(place, home)}


def _stamps(inputs: Iterable[Path | None]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Inputs in a run, and what their stamps say."""
    for path in inputs:
        if path is None or place_of(path) is None:
            continue
        stamp = sealed_stamp(path)
        if stamp is not None and "sha256" in stamp:
            yield path, stamp


def _run_of(path: Path) -> Path:
    """Directory of the run that a file is in, or of the file if it is in none."""
    inside = PurePath(place_of(path) or path.name)
    return path.parents[len(inside.parts) - 1]


def _counts(place: PurePath, home: PurePath) -> bool:
    """Whether an artifact is part of the lineage of what is made in a directory of the run."""
    shared = len(place.parents) - 1 < _CELL_DEPTH
    beside_or_above = place.parent == home or place.parent in home.parents
    return _GROWING not in place.parts and (shared or beside_or_above)


def _conflict(path: Path, ancestor: Path, other: Path, output: Path) -> PipelineError:
    than = "is there" if other == ancestor else f"{other} was"
    return PipelineError(
        f"{path} was made with another {ancestor} than {than}; rebuild what is made of it with: "
        f"snakemake {output} --forcerun {ancestor} (and the --profile or --config of this run)"
    )
