"""What is on disk when Snakemake has made its plan, held against that plan.

Snakemake says nothing of a file that is missing where all that is made from it is there, and trusts
files that it has no record of.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Set
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipeline.stages.domains import DOMAINS

PLANNED = ("run_info", "Nothing to be done")
"""The event by which Snakemake says that its plan is made, and the message that it gives instead
where there is nothing to do."""
REPORTING = ("Creating report",)
"""The message before it looks for what goes into a report."""


class Settled(NamedTuple):
    """A job of the plan that will not run, since Snakemake trusts its outputs.

    Attributes:
        rule: name of its rule.
        outputs: paths of outputs that are there to stay.
        spec: of the job, as canonical JSON; none if it has none.
    """

    rule: str
    outputs: tuple[str, ...]
    spec: str | None


class Moment(logging.Handler):
    """Calls a function once, when Snakemake logs an event or message: for moments without a hook.

    Args:
        signs: the event, or beginnings of the message.
        function: what to call, once.
    """

    def __init__(self, signs: tuple[str, ...], function: Callable[[], None]) -> None:
        super().__init__()
        self._signs, self._function, self._done = signs, function, False

    def emit(self, record: logging.LogRecord) -> None:
        """Hear an event of Snakemake's logger."""
        event, message = getattr(record, "event", None), str(record.msg)
        if not self._done and (event in self._signs or message.startswith(self._signs)):
            self._done = True
            self._function()


def inventory(jobs: Iterable[Settled], recorded: Set[str]) -> list[str]:
    """Warnings of what is missing and of what is stale, in the order of the jobs.

    Args:
        jobs: those that will not run.
        recorded: paths that Snakemake has a record of.
    """
    jobs, is_there = list(jobs), _disk()
    missing = [path for job in jobs for path in job.outputs if not is_there(path)]
    unknown = [
        Settled(job.rule, tuple(path for path in job.outputs if is_there(path)), job.spec)
        for job in jobs
        if job.spec and any(is_there(path) and path not in recorded for path in job.outputs)
    ]
    return [*_missing_lines(missing), *_stale_lines(unknown, recorded)]


def _disk() -> Callable[[str], bool]:
    """Whether a path is there, by one look at every directory."""

    @cache
    def names(directory: Path) -> set[str]:
        return {path.name for path in directory.iterdir()} if directory.is_dir() else set()

    return lambda path: Path(path).name in names(Path(path).parent)


def _missing_lines(missing: list[str]) -> Iterator[str]:
    if missing:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        yield (
            f"missing: {missing[0]}{more}; nothing that was asked for needs it, so it is made "
            f"only by: snakemake {missing[0]} (and the --profile or --config of this run)"
        )


def _stale_lines(unknown: list[Settled], recorded: Set[str]) -> Iterator[str]:
    """For every run, where Snakemake has no record of specs, what stamps tell to be stale."""
    from pipeline.artifacts.stamps import is_stale

    runs: dict[str, dict[str, list[str]]] = {}
    for job in unknown:
        new = [path for path in job.outputs if path not in recorded]
        stale = [path for path in new if job.spec and is_stale(Path(path), job.spec)]
        if stale:
            run = "/".join(Path(stale[0]).parts[:2])
            runs.setdefault(run, {}).setdefault(job.rule, []).append(stale[0])
    for run, rules in runs.items():
        lost = not any(path.startswith(f"{run}/") for path in recorded)
        rerun = rules if lost else [path for paths in rules.values() for path in paths]
        remedy = f"to mend it, run once with: --forcerun {' '.join(rerun)}"
        if not any(Path(run, domain).exists() for domain in DOMAINS):
            remedy = (
                "what its tables were made from is gone; to accept them, run once with: --touch"
            )
        yield (
            f".snakemake has no record of {'' if lost else 'parts of '}{run}, made with other "
            f"settings or code; {remedy}"
        )
