"""The environment in which Slurm's commands are run: without the filters and options of a shell."""

from collections.abc import Mapping

from pipeline.base.errors import PipelineError

_READ: tuple[str, ...] = (
    "SQUEUE_",
    "SACCT_",
    "SACCTMGR_",
    "SCONTROL_",
    "SCANCEL_",
    "SINFO_",
    "SSHARE_",
)
_READ += ("SBATCH_", "SALLOC_", "SRUN_", "SLURM_")
"""What starts so is read by Slurm's commands, as if it stood among their arguments."""
_KEPT = {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_CLUSTERS"}
_KEPT |= {"SBATCH_ACCOUNT", "SBATCH_QOS", "SBATCH_RESERVATION", "SBATCH_CONSTRAINT"}
_KEPT |= {"SBATCH_WCKEY"}
"""Where Slurm is found, and what a job is charged to or may use; no command hides a job for it."""


def slurm_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables without those that filter answers of Slurm or change what is submitted.

    Those of a job around snakemake (SLURM_JOB_ID, SLURM_MEM_PER_NODE, ...) go too, since jobs that
    are submitted from within it would take them for their own. All commands speak to one cluster.

    Raises:
        PipelineError: the variables name several clusters.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name in _KEPT or not name.startswith(_READ)
    }
    for name in ("SBATCH_CLUSTERS", "SLURM_CLUSTERS"):  # in sbatch's order
        if cluster := variables.get(name):
            return kept | {"SLURM_CLUSTERS": _one_cluster(name, cluster)}
    return kept


def _one_cluster(name: str, value: str) -> str:
    if value == "all" or "," in value:
        raise PipelineError(
            f"{name}={value}: the jobs of a run go to one cluster, and are looked for there; "
            "name that one"
        )
    return value
