"""One run, one cluster: what a job may not ask for where Slurm has several."""

import shlex
from collections.abc import Mapping

from pipeline.base.errors import PipelineError

_KEYS = ("cluster", "clusters", "slurm_cluster")
"""Resources that Snakemake's plugin makes `sbatch --clusters` of."""


def refuse_other_clusters(resources: Mapping[str, object], cluster: str) -> None:
    """Check that a job with these resources goes to the cluster that all questions go to.

    Raises:
        PipelineError: it would go to another, where nobody looks for it.
    """
    named = [(key, str(resources[key])) for key in _KEYS if resources.get(key)]
    words = shlex.split(str(resources.get("slurm_extra") or ""))
    named += [("slurm_extra", word) for word in words if word.startswith(("-M", "--cluster"))]
    for key, value in named:
        if value != cluster:
            raise PipelineError(
                f"{key}: {value}: all jobs of a run go to one cluster; set SLURM_CLUSTERS to its "
                "name where snakemake is started, instead of this"
            )
