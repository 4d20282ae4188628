"""The snakemake that drives a run: what it writes of itself, by which others tell if it lives.

A command line says neither where snakemake runs nor whether it is one (a path with a space, `python
-m snakemake`, `--directory`), and a pid alone may be that of a later process or of another host.
"""

import atexit
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from pipeline.artifacts.files import replacing
from pipeline.base.errors import PipelineError

_PLACE = Path(".snakemake/drivers")
_CLOCK = 1.0
"""Seconds by which two readings of the same start may differ."""


@dataclass(frozen=True)
class Driver:
    """A process of snakemake.

    Attributes:
        host: name of the machine that it runs on.
        pid: its number there.
        started: seconds between the boot of that machine and its start; unlike a time of day, they
            stay the same when the clock is set.
        job: the Slurm job that it runs in, and how often that was requeued; empty outside of one.
        run_id: name of the Slurm jobs that it submits; empty if it submits none.
        cluster: the Slurm cluster that knows these jobs; empty if it has not told.
    """

    host: str
    pid: int
    started: float
    job: str = ""
    run_id: str = ""
    cluster: str = ""

    @classmethod
    def of_this_process(cls, run_id: str = "", cluster: str = "") -> "Driver":
        """The driver that calls this, in the environment that it was started with."""
        pid, variables = os.getpid(), psutil.Process().environ()
        own_cluster = variables.get("SLURM_CLUSTER_NAME", cluster)
        job = own_job(variables) if own_cluster == (cluster or own_cluster) else ""
        return cls(os.uname().nodename, pid, _start(pid), job, run_id, cluster or own_cluster)

    def path(self, directory: Path) -> Path:
        """Where it is written down, for the directory that it works in."""
        return directory / _PLACE / f"{self.host}.{self.pid}.json"

    def write(self, directory: Path) -> None:
        """Write it down."""
        with replacing(self.path(directory)) as temporary:
            temporary.write_text(json.dumps(asdict(self)))

    def forget(self, directory: Path) -> None:
        """Take back what was written."""
        self.path(directory).unlink(missing_ok=True)

    def is_here(self) -> bool:
        """Whether it ran on this machine, so that one can tell whether it still does."""
        return self.host == os.uname().nodename

    def runs_here(self) -> bool:
        """Whether it is a living process of this machine, and not a later one with its number."""
        try:
            return self.is_here() and abs(_start(self.pid) - self.started) < _CLOCK
        except psutil.NoSuchProcess:
            return False


def record_driver(
    directory: Path,
    run_id: str = "",
    cluster: str = "",
    goes_on: Callable[[], bool] = lambda: False,
) -> None:
    """Write down, for recover.sh, that this process drives a run, until it ends in peace.

    Args:
        directory: that it works in; records in it of dead snakemakes without jobs are deleted.
        run_id: as in `Driver`.
        cluster: as in `Driver`.
        goes_on: asked at the end: whether jobs may go on, so that the record has to stay.

    Raises:
        PipelineError: a record that is there cannot be read.
    """
    driver = Driver.of_this_process(run_id, cluster)
    forget_the_dead(directory)
    driver.write(directory)
    atexit.register(lambda: None if goes_on() else driver.forget(directory))


def own_job(variables: dict[str, str]) -> str:
    """The Slurm job of a process with these variables, as in `Driver.job`."""
    job = variables.get("SLURM_JOB_ID", "")
    return f"{job}.{variables.get('SLURM_RESTART_COUNT', '0')}" if job else ""


def read_drivers(directory: Path) -> list[Driver]:
    """Records in a directory: of snakemakes that still run, and of those that were killed.

    Raises:
        PipelineError: what was written cannot be read.
    """
    drivers = []
    for path in sorted((directory / _PLACE).glob("*.json")):
        try:
            drivers.append(Driver(**json.loads(path.read_text())))
        except FileNotFoundError:
            continue  # it has just ended
        except (OSError, ValueError, TypeError) as error:
            raise PipelineError(
                f"{path} cannot be read ({error}); delete it if no snakemake runs here"
            ) from error
    return drivers


def forget_the_dead(directory: Path) -> None:
    """Delete the records of snakemakes of this machine that were killed and left no jobs behind.

    Raises:
        PipelineError: what was written cannot be read.
    """
    for driver in read_drivers(directory):
        if driver.is_here() and not driver.run_id and not driver.runs_here():
            driver.forget(directory)


def _start(pid: int) -> float:
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    return process.create_time() - psutil.boot_time()
