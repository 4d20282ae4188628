"""What jobs inherit from the workflow: where their package is, and how many CPUs they have.

By the environment, Snakemake limits numerical libraries to the `threads` of a rule. That is one
thread, as on one machine it runs as many jobs as there are cores. But a job of a cluster has its
CPUs to itself. Libraries use threads for what is large enough to gain by them, and one for the
rest.
"""

import os
from pathlib import Path

_ALLOCATED = "PIPELINE_CPUS"
"""Environment variable with the number of CPUs of a job of a cluster."""


def let_jobs_import_from(checkout: Path) -> None:
    """Let jobs import the package of a checkout, wherever they run and whatever is installed."""
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([str(checkout), *others])


def tell_jobs_their_cpus() -> None:
    """Let the stage of a Slurm job, in which Snakemake runs it, know the CPUs of that job."""
    if "SLURM_CPUS_PER_TASK" in os.environ:
        os.environ[_ALLOCATED] = os.environ["SLURM_CPUS_PER_TASK"]


def use_allocated_cpus(processes: int) -> None:
    """Share the CPUs of a job among its processes; to be called before libraries are imported."""
    cpus = os.environ.get(_ALLOCATED)
    if cpus is None:
        return
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        os.environ[name] = str(max(1, int(cpus) // processes))
