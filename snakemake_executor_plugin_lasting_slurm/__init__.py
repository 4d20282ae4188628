"""An executor plugin of Snakemake: that for Slurm, made to last (`executor: lasting-slurm`).

Snakemake finds this package by its name, in whichever checkout is installed, before it reads a
Snakefile. What the executor does is in `pipeline.run.executor` of the checkout that is run, which
is known only then; so nothing of `pipeline` may be imported before an executor is made.
"""

from snakemake_executor_plugin_slurm import Executor as SlurmExecutor
from snakemake_executor_plugin_slurm import ExecutorSettings, common_settings
from snakemake_interface_executor_plugins.logging import LoggerExecutorInterface
from snakemake_interface_executor_plugins.workflow import WorkflowExecutorInterface

__all__ = ["Executor", "ExecutorSettings", "common_settings"]


class Executor(SlurmExecutor):
    """What Snakemake makes an executor of; its settings are those of the plugin for Slurm."""

    def __new__(
        cls, workflow: WorkflowExecutorInterface, logger: LoggerExecutorInterface
    ) -> SlurmExecutor:
        """Make the executor of the checkout that is run."""
        from pipeline.run.executor import LastingExecutor

        return LastingExecutor(workflow, logger)
