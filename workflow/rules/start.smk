"""What happens when a run starts: stale artifacts are named, and the run can be watched. No rules."""

import json
import os
import signal

from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

from pipeline import artifacts
from pipeline.config.disk import describe_disk
from pipeline.progress import GridProgress, Hush, PlannedJob

if workflow.is_main_process:
    from pipeline.slurm.executor import LastingExecutor

    ExecutorPluginRegistry().get_plugin("slurm").executor = LastingExecutor


def planned(job):
    group = workflow.dag.get_job_group(job)
    submission = group.jobid if group else job.jobid
    marks = {"run": None, "domain": None, "dataset_size": "P", "grammar_seed": "g"}
    values = job.wildcards_dict.items()
    place = "/".join(
        marks.get(k, "") + v for k, v in values if marks.get(k, "") is not None
    )
    local = workflow.local_exec or job.is_local
    return PlannedJob(job.rule.name, place, submission, local)


onstart:
    # Left alone, Snakemake would wait for all that runs; this ends Slurm jobs as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for run, config in CONFIGS.items():
        with artifacts.replacing(f"results/{run}/config.json") as temporary:
            temporary.write_text(json.dumps(config.plain(), indent=1))
    Path(".snakemake/host").write_text(f"{os.uname().nodename}\n")  # for recover.sh
    here, elsewhere = workflow.local_exec, workflow.nodes or 1
    local = (
        workflow.cores or 1 if here else 5
    )  # as many as Snakemake has threads for
    for run, config in CONFIGS.items():
        for line in describe_disk(config, local if here else elsewhere):
            print(f"{run}: {line}", file=sys.stderr)
    jobs = {job.jobid: planned(job) for job in workflow.dag.needrun_jobs()}
    stages = {job.rule for job in jobs.values()}
    for name, stage in {"text": "corpus", "image": "images"}.items():
        if stage in stages and (found := own_files(CONFIG.domain(name).data)):
            print(
                f"domains.{name}.data.source: {found.describe()}", file=sys.stderr
            )
    for handler in logger.handlers:
        handler.addFilter(Hush())
    logger.addHandler(GridProgress(jobs, local, elsewhere))


def warn_of_stale_artifacts(config):
    """Where Snakemake has no record of specs, let the stamps of artifacts say what is stale."""
    from pipeline.stamps import recorded_paths, stale_artifacts

    recorded = recorded_paths(Path(".snakemake/metadata"))
    try:
        stale = stale_artifacts(config, Path(), recorded)
    except PipelineError as error:  # of the user's own files, which may be gone by now
        print(f"warning: {error}", file=sys.stderr)
        return
    lost = not any(path.startswith(f"results/{config.run}/") for path in recorded)
    rerun = stale if lost else [path for paths in stale.values() for path in paths]
    if stale:
        print(
            f"warning: .snakemake has no record of {'' if lost else 'parts of '}"
            f"results/{config.run}, made with other settings or code; to mend it, run once with: "
            f"--forcerun {' '.join(rerun)}",
            file=sys.stderr,
        )


for config_of_run in CONFIGS.values():
    if workflow.is_main_process and Path("results", config_of_run.run).exists():
        warn_of_stale_artifacts(config_of_run)

if workflow.is_main_process and CONFIG.partial:
    for name in DOMAINS:
        if CONFIG.domain(name).enabled and name not in shown_domains():
            print(
                f"warning: partial: no cell of {name} is finished; it is left out",
                file=sys.stderr,
            )
