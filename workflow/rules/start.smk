"""What happens when a run starts: stale artifacts are named, and the run can be watched. No rules."""

import atexit
import json
import signal

from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

from pipeline import artifacts
from pipeline.config.disk import describe_disk
from pipeline.interruption import Interruption
from pipeline.inventory import PLANNED, REPORTING, Moment, Settled, inventory
from pipeline.progress import GridProgress, Hush, PlannedJob
from pipeline.workspace import forget_progress

if workflow.is_main_process:
    from pipeline.slurm.driver import Driver
    from pipeline.slurm.executor import LastingExecutor

    ExecutorPluginRegistry().get_plugin("slurm").executor = LastingExecutor


def record_driver():
    """Write down which process this is, for recover.sh, until it ends in peace."""
    executor = workflow.scheduler._executor
    run, cluster = getattr(executor, "run_uuid", ""), getattr(executor, "cluster", "")
    driver, here = Driver.of_this_process(run, cluster), Path.cwd()
    driver.write(here)

    def forget():
        if not getattr(executor, "left_behind", False):
            driver.forget(here)

    atexit.register(forget)


RESUMABLE = {"fetch_hub", "encode", "encode_controls"}
RESUMABLE |= {
    "train",
    "train_text",
    "train_image",
    "sample",
    "sample_text",
    "sample_image",
}
"""Rules whose jobs keep undeclared progress beside their outputs; see pipeline/workspace.py."""


def forget_progress_of(jobs):
    for job in jobs:
        if job.rule.name in RESUMABLE:
            forget_progress(job.output)


def delete_output(only_temp=False, dryrun=False, delete=workflow.delete_output):
    """What --delete-all-output does: delete outputs, and then progress towards them."""
    delete(only_temp=only_temp, dryrun=dryrun)
    if not (only_temp or dryrun):
        forget_progress_of(workflow.dag.jobs)


workflow.delete_output = delete_output


def forced_jobs():
    """Jobs of rules that the user forces by name; a path that is forced is mended from progress."""
    forced, everything = workflow.dag_settings.forcerun, workflow.dag_settings.forceall
    jobs = workflow.dag.needrun_jobs()
    return [job for job in jobs if everything or job.rule.name in forced]


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


def told_of_preset():
    """The run and what it is based on, in a line; a word on the command line replaces both."""
    preset = OVERRIDES.get("preset")
    base = "config.yaml as it is, no preset" if preset is None else f"preset {preset}"
    return f"run {CONFIG.run}: {base}; everything is written below results/{CONFIG.run}"


def refuse_the_paper_on_one_machine():
    """What runs on this machine names a preset; dry runs and --touch make nothing."""
    if workflow.local_exec and not workflow.touch and "preset" not in OVERRIDES:
        trajectories = sum(len(cells(CONFIG.domain(name))) for name in shown_domains())
        sys.exit(
            f"error: no preset is named, so that all {trajectories} trajectories of config.yaml "
            "would be made on this machine; name one (--config preset=demo, with run=... for a "
            "name of your own), or submit to a cluster (--profile slurm), or say --config "
            "preset=none to have config.yaml as it is made here"
        )


if workflow.is_main_process:
    print(told_of_preset(), file=sys.stderr)


onstart:
    refuse_the_paper_on_one_machine()
    limiter = workflow.scheduler.job_rate_limiter
    if limiter and (limiter.max_jobs, limiter.timespan) == (100, 1):
        # Snakemake's own limit, while one that the user sets stays: it makes every pass of the
        # scheduler start another a second later, until the end of the run.
        workflow.scheduler.job_rate_limiter = None
    if workflow.local_exec:
        Interruption(workflow.scheduler, logger).listen()
    else:
        # Left alone, Snakemake would wait for all that runs; this ends Slurm jobs as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    forget_progress_of(forced_jobs())
    for run, config in CONFIGS.items():
        try:
            with artifacts.replacing(f"results/{run}/config.json") as temporary:
                temporary.write_text(json.dumps(config.plain(), indent=1))
        except PipelineError as error:
            sys.exit(f"error: {error}")
    record_driver()
    here, elsewhere = workflow.local_exec, workflow.nodes or 1
    local = (
        workflow.cores or 1 if here else 5
    )  # as many as Snakemake has threads for
    for run, config in CONFIGS.items():
        for line in describe_disk(config, local if here else elsewhere):
            print(f"{run}: {line}", file=sys.stderr)
    jobs = {job.jobid: planned(job) for job in workflow.dag.needrun_jobs()}
    for handler in logger.handlers:
        handler.addFilter(Hush())
    logger.addHandler(GridProgress(jobs, local, elsewhere))


def settled_jobs():
    """Jobs of the plan that will not run, in the order of the rules, with what they keep."""
    order = {rule.name: place for place, rule in enumerate(workflow.rules)}
    jobs = [job for job in workflow.dag.jobs if not workflow.dag.needrun(job)]
    for job in sorted(jobs, key=lambda job: (order[job.rule.name], str(job.output))):
        kept = tuple(str(path) for path in job.output if not path.is_temp)
        yield Settled(job.rule.name, kept, job.params.get("spec"))


def tell_inventory():
    from pipeline.stamps import recorded_paths

    recorded = recorded_paths(Path(".snakemake/metadata"))
    for line in inventory(settled_jobs(), recorded):
        print(f"warning: {line}", file=sys.stderr)


def leave_out_of_report():
    """Have the report do without what is not there, which Snakemake would refuse to do."""
    for path in sorted({path for job in workflow.dag.jobs for path in job.output}):
        if "report" in path.flags and not os.path.exists(path):
            del path.flags["report"]
            print(
                f"warning: report: {path} is not there, so it is left out",
                file=sys.stderr,
            )


if workflow.is_main_process:
    logger.addHandler(Moment(PLANNED, tell_inventory))
    logger.addHandler(Moment(REPORTING, leave_out_of_report))

if workflow.is_main_process and CONFIG.partial:
    for name in DOMAINS:
        if CONFIG.domain(name).enabled and name not in shown_domains():
            print(
                f"warning: partial: no cell of {name} is finished; it is left out",
                file=sys.stderr,
            )
