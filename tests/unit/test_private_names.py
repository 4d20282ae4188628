"""Names of Snakemake and of its plugin for Slurm that are private, or that no document promises.

They are all listed here, with who uses them and for what. A version that lacks one fails a test
that says which; a name that is used and not listed fails one as well.
"""

import ast
import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
import snakemake.api  # first, as snakemake.workflow cannot be
import snakemake.common
import snakemake.logging
import snakemake.persistence.file
import snakemake.report
import snakemake.workflow
import snakemake_executor_plugin_slurm
from snakemake.dag import DAG
from snakemake.exceptions import print_exception
from snakemake.executors.local import Executor as LocalExecutor
from snakemake.io import _IOFile
from snakemake.jobs import GroupJob, Job
from snakemake.modules import WorkflowModifier
from snakemake.path_modifier import PathModifier
from snakemake.rules import Rule
from snakemake.scheduling.job_scheduler import JobRateLimiter, JobScheduler
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    GroupSettings,
    OutputSettings,
    ResourceSettings,
)
from snakemake.sourcecache import LocalSourceFile
from snakemake.workflow import Workflow
from snakemake_interface_executor_plugins.registry.plugin import Plugin

from pipeline.run.inventory import PLANNED, REPORTING
from pipeline.run.progress import CHATTER

ROOT = Path(__file__).parents[2]
INSTALLED = ", ".join(
    f"{name} {version(name)}" for name in ("snakemake", "snakemake-executor-plugin-slurm")
)
OWNERS = {
    "workflow": Workflow,
    "workflow.config_settings": ConfigSettings,
    "workflow.current_basedir": LocalSourceFile,
    "workflow.dag": DAG,
    "workflow.dag_settings": DAGSettings,
    "workflow.executor_plugin": Plugin,
    "workflow.modifier": WorkflowModifier,
    "workflow.modifier.path_modifier": PathModifier,
    "workflow.group_settings": GroupSettings,
    "workflow.output_settings": OutputSettings,
    "workflow.resource_settings": ResourceSettings,
    "workflow.scheduler": JobScheduler,
    "limiter": JobRateLimiter,
    "rule": Rule,
    "job": Job,
    "group": GroupJob,
    "path": _IOFile,
}
"""What objects are that rule files speak to, by the names that they have there."""

RULE_FILES = {
    "workflow.current_basedir": "common.smk: this checkout, which jobs import from",
    "workflow.current_basedir.get_path_or_uri": "common.smk: likewise",
    "workflow.modifier": "common.smk",
    "workflow.modifier.is_main_snakefile": "common.smk: whether another workflow imports this one",
    "workflow.modifier.path_modifier": "common.smk",
    "workflow.modifier.path_modifier.replace_prefix": "common.smk: where an import has results/",
    "workflow.config_settings": "common.smk",
    "workflow.config_settings.config_args": "common.smk: --config, as it was written",
    "workflow.overwrite_configfiles": "common.smk: --configfile",
    "workflow.remote_exec": "common.smk: whether this is a job of a cluster",
    "workflow.is_main_process": "start.smk, inventory.smk: jobs need not say what the run says",
    "workflow.local_exec": "start.smk: how a run is stopped, recorded and estimated",
    "workflow.touch": "start.smk: --touch makes nothing, so it begins nothing afresh",
    "workflow.cores": "start.smk: how many jobs run at a time, for the time left",
    "workflow.nodes": "start.smk: likewise on a cluster",
    "workflow.executor_plugin": "start.smk",
    "workflow.executor_plugin.name": "start.smk: profiles that name the plugin for Slurm itself",
    "workflow.output_settings": "start.smk",
    "workflow.output_settings.quiet": "start.smk: profiles that hide failures",
    "workflow.output_settings.log_handler_settings": "start.smk: likewise",
    "workflow.resource_settings": "imported.smk",
    "workflow.resource_settings.overwrite_resources": "imported.smk: --set-resources",
    "workflow.group_settings": "imported.smk",
    "workflow.group_settings.overwrite_groups": "imported.smk: --groups",
    "workflow.scheduler": "start.smk: told to start no further jobs when a run is stopped",
    "workflow.scheduler.job_rate_limiter": "start.smk: a limit that no option can lift",
    "limiter.max_jobs": "start.smk: whether that limit is Snakemake's own",
    "limiter.timespan": "start.smk: likewise",
    "workflow.rules": "inventory.smk: the order of warnings; imported.smk: how rules are called",
    "workflow.dag": "start.smk, afresh.smk, inventory.smk, report.smk: which jobs there are",
    "workflow.dag.jobs": "inventory.smk, afresh.smk, report.smk: all jobs of the plan",
    "workflow.dag.targetfiles": "start.smk: figures that are asked for by name",
    "workflow.dryrun": "inventory.smk: whether the plan is carried out",
    "workflow.dag.dependencies": "inventory.smk: what trainings are made from",
    "workflow.dag.needrun": "inventory.smk: whether one will run",
    "workflow.dag.needrun_jobs": "start.smk, afresh.smk: those that will run",
    "workflow.dag.get_job_group": "start.smk: which of them are submitted together",
    "workflow.dag_settings": "afresh.smk",
    "workflow.dag_settings.forcerun": "afresh.smk: rules that are forced by name forget progress",
    "workflow.dag_settings.forceall": "afresh.smk: likewise",
    "workflow.delete_output": "afresh.smk: replaced, so that progress is deleted with outputs",
    "group.jobid": "start.smk: what Snakemake calls a group when it starts it",
    "job.jobid": "start.smk: what it calls a job in its events",
    "job.is_local": "start.smk: whether a job runs where snakemake runs",
    "job.log": "start.smk: where a training writes its curve",
    "job.benchmark": "inventory.smk: how long a training took",
    "job.wildcards": "grow.smk: where a training belongs",
    "job.wildcards_dict": "start.smk: which cell a job is of",
    "job.rule": "start.smk, afresh.smk, inventory.smk: the name of its rule",
    "job.params": "inventory.smk: the spec of a job that will not run",
    "job.output": "inventory.smk, afresh.smk, report.smk: what is kept, forgotten or left out",
    "rule.name": "inventory.smk: the order of warnings; imported.smk: how rules are called",
    "path.flags": "report.smk: a report does without what is not there",
    "path.is_temp": "inventory.smk: what is deleted is not missed",
}

EXECUTOR = {
    "_job_submission_executor": "one thread, so that jobs of others are known as such",
    "_report_job_submission_threadsafe": "which jobs Slurm has taken",
    "_report_job_error_threadsafe": "what it refuses for now is submitted again",
    "run_uuid": "the name of a run's jobs, by which they are looked for and cancelled",
    "get_account_arg": "no account is guessed",
    "run_job": "submission, tried again",
    "check_active_jobs": "what Slurm says of jobs",
    "report_job_error": "why a job failed, for those of groups too",
    "report_job_success": "which jobs are still open",
    "sleep": "ended when the run ends",
    "cancel": "jobs are cancelled before anything else",
    "shutdown": "no job is left behind",
    "active_jobs": "jobs whose end is waited for",
    "next_seconds_between_status_checks": "the time until Slurm is asked again",
    "wait": "whether the run goes on",
    "workflow": "settings, and the scheduler's executor of local jobs",
    "logger": "what is told",
}
"""Names that pipeline/run/executor.py has from the plugin's executor, and what they give."""

OTHERS = [
    (JobScheduler, "_local_executor", "executor.py: local jobs that end with the run"),
    (LocalExecutor, "pool", "executor.py: likewise"),
    (ThreadPoolExecutor(1), "_work_queue", "executor.py: local jobs that have not begun"),
    (ThreadPoolExecutor(1), "_threads", "executor.py: local jobs that go on"),
    (Job, "_attempt", "executor.py: what Slurm refuses for good is not tried again"),
    (GroupJob, "_attempt", "executor.py: likewise"),
    (Workflow, "executor_settings", "executor.py: seconds until the first check, logs to keep"),
    (JobScheduler, "exit_gracefully", "interruption.py: no further jobs are started"),
    (snakemake.workflow, "logger", "start.smk, inventory.smk: hears moments, and hands over"),
    (snakemake.logging, "ColorizingTextHandler", "logger plugin: shows what Snakemake shows"),
    (snakemake_executor_plugin_slurm, "Executor", "the executor that lasts"),
    (snakemake_executor_plugin_slurm, "ExecutorSettings", "its settings"),
    (snakemake_executor_plugin_slurm, "common_settings", "likewise"),
]

SAID = [
    (JobScheduler.schedule, "event=LogEvent.JOB_STARTED, jobs=", "progress.py: jobs that start"),
    (JobScheduler._finish_jobs, "event=LogEvent.JOB_FINISHED, job_id=", "progress.py: that end"),
    (Job.get_log_error_info, "event=LogEvent.JOB_ERROR", "progress.py: jobs that fail"),
    (Job.get_log_error_info, "jobid=", "progress.py: which"),
    (Job.get_log_error_info, "rule_msg=", "progress.py: why"),
    (Job.get_log_error_info, "log=", "progress.py: their logs"),
    (Job.get_log_error_info, "aux=kwargs", "progress.py: why a job of a group failed"),
    (GroupJob.log_error, "event=LogEvent.GROUP_ERROR", "progress.py: groups that fail"),
    (GroupJob.log_error, "job_error_info=", "progress.py: their jobs"),
    (GroupJob.log_error, "aux_logs=", "progress.py: Slurm's log of them"),
    (print_exception, "event=LogEvent.ERROR, exception=", "progress.py: failures of ended jobs"),
    (Workflow.execute, f"event=LogEvent.{PLANNED[0].upper()}", "inventory.py: the plan is made"),
    (snakemake.common, PLANNED[1], "inventory.py: there is nothing to do"),
    (snakemake.report, REPORTING[0], "inventory.py: before a report is made"),
    (snakemake.persistence.file, '"@" + s for s in b64id', "stamps.py: names of its records"),
    (JobScheduler.schedule, CHATTER[0], "progress.py: hidden"),
    (JobScheduler.schedule, CHATTER[1], "progress.py: hidden"),
    (snakemake_executor_plugin_slurm.Executor.run_job, CHATTER[2], "progress.py: hidden"),
]
"""Events, their fields, and messages without an event: what says them, and who listens."""


def has(owner: object, name: str) -> bool:
    """Whether an object, or objects of a class, have something of this name."""
    if hasattr(owner, name) or not inspect.isclass(owner):
        return hasattr(owner, name)
    if is_dataclass(owner) and name in {field.name for field in fields(owner)}:
        return True
    given = re.compile(rf"\bself\.{name}\b[^=\n]*=(?!=)|^    {name}:", re.MULTILINE)
    return any(given.search(inspect.getsource(base)) for base in owner.__mro__[:-1])


def names_of(chain: str) -> list[str]:
    """Names in an expression, each with what it is asked of, as far as OWNERS tell."""
    owner, *rest = chain.split(".")
    names = []
    for name in rest:
        if owner not in OWNERS:
            break
        names.append(f"{owner}.{name}")
        owner = names[-1]
    return names


def names_in_rule_files() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    text = re.sub(r"\boutput\.(?=quiet|log_handler_settings)", "workflow.output_settings.", text)
    chains = re.findall(rf"(?<![\w./\"])(?:{'|'.join(OWNERS)})(?:\.\w+)+", text)
    return {name for chain in chains for name in names_of(chain)}


def names_of_the_executor() -> set[str]:
    """Names of which the executor has its own, or asks itself."""
    nodes = list(ast.walk(ast.parse((ROOT / "pipeline/run/executor.py").read_text())))
    asked = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return asked | {node.name for node in nodes if isinstance(node, functions)}


def label(owner: object) -> str:
    if isinstance(owner, str):
        return owner
    names = ("__qualname__", "__name__")
    return next((getattr(owner, n) for n in names if hasattr(owner, n)), type(owner).__name__)


@pytest.mark.parametrize(("name", "use"), RULE_FILES.items())
def test_snakemake_has_what_rule_files_use(name, use):
    owner, _, attribute = name.rpartition(".")
    assert has(OWNERS[owner], attribute), f"{INSTALLED}: {name} went away; used in {use}"


@pytest.mark.parametrize(("name", "use"), EXECUTOR.items())
def test_the_plugin_has_what_the_executor_builds_on(name, use):
    theirs = snakemake_executor_plugin_slurm.Executor
    assert has(theirs, name), f"{INSTALLED}: Executor.{name} went away; used for: {use}"


@pytest.mark.parametrize(("owner", "name", "use"), OTHERS, ids=label)
def test_snakemake_has_what_else_is_used(owner, name, use):
    assert has(owner, name), f"{INSTALLED}: {label(owner)}.{name} went away; used in {use}"


@pytest.mark.parametrize(("speaker", "text", "use"), SAID, ids=label)
def test_snakemake_says_what_is_listened_for(speaker, text, use):
    files = [Path(speaker.__file__)] if isinstance(speaker, ModuleType) else []
    source = "".join(path.read_text() for path in files) or inspect.getsource(speaker)
    message = f"{INSTALLED}: {label(speaker)} no longer says {text!r}; used in {use}"
    assert re.sub(r"\s+", "", text) in re.sub(r"\s+", "", source), message


def test_every_name_that_rule_files_use_is_listed():
    assert names_in_rule_files() == RULE_FILES.keys()


def test_every_name_that_the_executor_builds_on_is_listed():
    theirs, used = snakemake_executor_plugin_slurm.Executor, names_of_the_executor()
    inherited = {name for name in used if name[:2] != "__" and has(theirs, name)}
    elsewhere = {name for _, name, _ in OTHERS}
    assert inherited - elsewhere <= EXECUTOR.keys() <= used
