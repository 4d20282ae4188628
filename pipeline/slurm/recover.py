"""End what a killed snakemake left behind: `python -m pipeline.slurm.recover`, for recover.sh."""

import argparse
import os
import re
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.slurm.answers import (
    UNANSWERED,
    ask,
    ask_about,
    ask_accounts,
    ask_controller,
    cluster_name,
    error_text,
    has_ended,
    look_up,
)
from pipeline.slurm.driver import Driver, own_job, read_drivers

_PATIENCE = 300
"""Seconds in which cancelled jobs have to end."""
_RUN = re.compile(r"(^|_)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""Names of the jobs that snakemake submits."""


def recover(named: Path | None = None) -> None:
    """End the Slurm jobs of every snakemake that was killed in a directory, and forget it.

    Args:
        named: the directory, if it was named; otherwise the current one.

    Raises:
        PipelineError: one still runs, or may do; jobs do not end; or there are jobs of a snakemake
            that left no record.
        OSError, SubprocessError: Slurm does not answer.
    """
    directory = named or Path()
    drivers = read_drivers(directory)
    for driver in drivers:
        _refuse_to_disturb(driver, directory)
    for driver in drivers:
        if driver.run_id:
            _end_jobs(driver.run_id)
        driver.forget(directory)
    if not drivers:
        _refuse_jobs_of_others(named)


def refuse_to_run_twice(directory: Path) -> None:
    """Raise if jobs still run of a snakemake that was killed in this directory, on this machine.

    One whose jobs have ended is forgotten.

    Raises:
        PipelineError: some do, and would be submitted a second time.
        OSError, SubprocessError: Slurm does not answer.
    """
    for driver in read_drivers(directory):
        if not driver.run_id or not driver.is_here() or driver.runs_here():
            continue
        if left := _unfinished(driver.run_id, ask_controller(driver.run_id)):
            raise PipelineError(
                f"snakemake was killed here, and its Slurm jobs {' '.join(left)} go on; "
                "end them first: workflow/recover.sh"
            )
        driver.forget(directory)


def _refuse_to_disturb(driver: Driver, directory: Path) -> None:
    """Raise if a snakemake runs, or if one cannot tell."""
    if driver.runs_here():
        raise PipelineError(f"snakemake still runs here, end it with Ctrl-C or kill: {driver.pid}")
    if driver.cluster and (driver.job or driver.run_id) and driver.cluster != cluster_name():
        raise PipelineError(
            f"snakemake's jobs are on cluster {driver.cluster}, not {cluster_name()}; "
            f"run SLURM_CLUSTERS={driver.cluster} workflow/recover.sh"
        )
    if driver.is_here() or _job_has_ended(driver):
        return
    path = driver.path(directory)
    if driver.job:
        job = driver.job.partition(".")[0]
        raise PipelineError(
            f"snakemake still runs in Slurm job {job} on {driver.host}; end it with: "
            f"scancel --batch --signal=TERM {job}"
        )
    raise PipelineError(
        f"snakemake was started on {driver.host}: run this there or, if it is gone, delete {path}"
    )


def _job_has_ended(driver: Driver) -> bool:
    """Whether the Slurm job that snakemake ran in is over, or was started anew since."""
    if not driver.job:
        return False
    number, mine = driver.job.partition(".")[0], own_job(dict(os.environ))
    if mine.partition(".")[0] == number:
        return mine != driver.job
    answer = ask_about(number)
    return answer is None or has_ended(answer.state)


def _end_jobs(run_id: str) -> None:
    """Cancel the jobs of a run, and wait until they have saved and ended."""
    jobs, end, told = (
        ask_controller(run_id) or ask_accounts(run_id),
        time.monotonic() + _PATIENCE,
        False,
    )
    while left := _unfinished(run_id, jobs):
        if time.monotonic() > end:
            raise PipelineError(
                f"jobs {' '.join(left)} have not ended for 5 minutes; ask Slurm why"
            )
        if not told:
            print("recover: ending Slurm jobs", *left, file=sys.stderr)
        told = True
        ask(["scancel", "--name", run_id])
        time.sleep(1)


def _unfinished(run_id: str, jobs: Collection[str]) -> list[str]:
    left = [job for job, answer in look_up(run_id, jobs).items() if not has_ended(answer.state)]
    return sorted(left, key=lambda job: (len(job), job))  # they are numbers


def _refuse_jobs_of_others(directory: Path | None) -> None:
    """Raise if there are jobs of a snakemake that worked here, or somewhere below if none is named.

    It may be that --directory was forgotten, or that .snakemake was lost with the driver's record.
    """
    shown = ["--noheader", "--all", "--user", str(os.getuid()), "--format", "%i|%j|%Z"]
    try:
        rows = [line.split("|", 2) for line in ask(["squeue", *shown]).splitlines()]
    except FileNotFoundError:  # no Slurm, no jobs
        return
    here = (directory or Path()).resolve()
    for number, name, place in (row for row in rows if row[2:]):
        below = directory is None and here in Path(place).parents
        if _RUN.search(name) and (Path(place) == here or below):
            raise PipelineError(
                f"Slurm job {number} is of a snakemake in {place} that is not known here; run this "
                "with the --directory that snakemake was given, or end it with scancel"
            )


def main(arguments: Sequence[str]) -> None:
    """Recover the directory that `arguments` of snakemake name."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-d", "--directory", type=Path)
    try:
        recover(parser.parse_known_args(arguments)[0].directory)
    except PipelineError as error:
        sys.exit(f"error: recover: {error}")
    except UNANSWERED as error:
        sys.exit(
            f"error: recover: Slurm does not answer, so jobs may be left; try again later: "
            f"{error_text(error)}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
