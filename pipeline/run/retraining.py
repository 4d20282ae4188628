"""Trainings that a plan repeats because of code alone: their number, cost, and what changed.

Which definitions a fingerprint stands for is written down when Snakemake has made a plan, one file
for each, below `.snakemake` like its own records.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.artifacts.files import replacing
from pipeline.artifacts.stamps import stamped_spec
from pipeline.stages.specs import code_of

RECORDS = Path(".snakemake/definitions")
_MOST_NAMED = 3
_DERIVED = ("code", "choices")
"""Parts of a spec that follow from the others and the sources."""


class Remade(NamedTuple):
    """A job of the plan that will run.

    Attributes:
        spec: as canonical JSON.
        outputs: paths of its outputs, there or not.
        benchmark: path of the time that it took when it ran last, there or not.
        upstream: jobs that will run before it, and have a spec.
    """

    spec: str
    outputs: tuple[str, ...]
    benchmark: str | None = None
    upstream: tuple["Remade", ...] = ()


def record_definitions(specs: Iterable[str], records: Path = RECORDS) -> None:
    """Write down the definitions of the code in each of the specs, unless that is done.

    Raises:
        PipelineError: a file cannot be written.
    """
    of_code = {spec["code"]: spec for spec in map(json.loads, specs)}
    for code, spec in of_code.items():
        path = records / f"{code}.json"
        if not path.exists():
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(dict(code_of(spec).definitions), indent=1))


def retrainings(trainings: Iterable[Remade], records: Path = RECORDS) -> list[str]:
    """A line on trainings that are made anew because of code alone; none if there are none.

    A training that is there counts if it, or something it is made from, is stamped with other code,
    and none of these is stamped with other settings.

    Args:
        trainings: those that will run.
        records: directory of `record_definitions`.
    """
    anew, names = [], set()
    for training in trainings:
        changed = _changed_code(training)
        if changed:
            anew.append(training)
            names |= set().union(*(_changes(code, spec, records) for code, spec in changed))
    if not anew:
        return []
    many = f"{len(anew)} trainings" if anew[1:] else "1 training"
    are, cost = "are" if anew[1:] else "is", _cost(anew)
    return [f"{many}{cost} {are} to be made anew because of code: {_described(sorted(names))}"]


def _changed_code(training: Remade) -> list[tuple[str, dict[str, Any]]]:
    """Fingerprints that artifacts are stamped with, each with the spec that they are to have.

    None if the training is not there, or is to have other settings.
    """
    if _stamped(training) is None:
        return []
    changed = []
    for job in (training, *training.upstream):
        stamped, spec = _stamped(job), json.loads(job.spec)
        if stamped is None or stamped == spec:
            continue
        if _without(stamped) != _without(spec):
            return []
        changed.append((str(stamped.get("code")), spec))
    return changed


def _stamped(job: Remade) -> dict[str, Any] | None:
    there = (path for path in map(Path, job.outputs) if path.exists())
    return next(filter(None, map(stamped_spec, there)), None)


def _without(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in _DERIVED}


def _changes(code: str, spec: Mapping[str, Any], records: Path) -> set[str]:
    """Definitions that differ from those of an older fingerprint; nothing if it is not on record.

    Those that are new, or gone, are named where none is changed: something changed to use them.
    """
    try:
        old = dict(json.loads((records / f"{code}.json").read_text()))
    except (OSError, ValueError, TypeError):  # there is none, or a file of something else
        return set()
    new = code_of(spec).definitions
    changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    return changed or set(old.keys() ^ new.keys())


def _described(names: list[str]) -> str:
    if not names:
        return "what changed is not on record"
    dotted = [name.replace(":", ".").rstrip(".") for name in names[:_MOST_NAMED]]
    more = f" and {len(names) - _MOST_NAMED} more" if names[_MOST_NAMED:] else ""
    return f"{', '.join(dotted)}{more} changed"


def _cost(trainings: list[Remade]) -> str:
    """How long they will take, reckoning with the mean for those that have no benchmark."""
    seconds = list(_seconds(job.benchmark for job in trainings if job.benchmark))
    if not seconds:
        return ""
    hours = sum(seconds) / len(seconds) * len(trainings) / 3600
    about = f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"
    return f" (about {about} by their benchmarks)"


def _seconds(benchmarks: Iterable[str]) -> Iterator[float]:
    for path in filter(Path.exists, map(Path, benchmarks)):
        with path.open(newline="") as file:
            yield from (float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
