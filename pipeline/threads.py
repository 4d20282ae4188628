"""How many threads a stage computes with: as many as CPUs were allocated to its job.

Snakemake tells numerical libraries, by the environment, the `threads` of a rule, which are one: on
one machine it runs as many jobs as there are cores. A job of a cluster has its CPUs to itself.
Libraries use threads for what is large enough to gain by them, and one for the rest.
"""

import os

ALLOCATED = "PIPELINE_CPUS"
"""Environment variable with the number of CPUs of a job of a cluster; the workflow sets it."""


def use_allocated_cpus(processes: int) -> None:
    """Share the CPUs of a job among its processes; to be called before libraries are imported."""
    cpus = os.environ.get(ALLOCATED)
    if cpus is None:
        return
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        os.environ[name] = str(max(1, int(cpus) // processes))
