"""What happens when a run starts: it is told and can be watched, stopped and recovered. No rules."""

import signal
from functools import partial

from pipeline.config.recorded import other_config, record_configs
from pipeline.config.resources import own_files
from pipeline.run.disk import describe_disk
from pipeline.run.interruption import Interruption
from pipeline.run.inventory import PLANNED, Moment
from pipeline.run.launch import estimate_command
from pipeline.run.messages import say
from pipeline.run.progress import GridProgress, PlannedJob
from pipeline.slurm.driver import record_driver


def planned(job):
    group = workflow.dag.get_job_group(job)
    submission = group.jobid if group else job.jobid
    marks = {"run": None, "domain": None, "dataset_size": "P", "grammar_seed": "g"}
    values = job.wildcards_dict.items()
    place = "/".join(
        marks.get(k, "") + v for k, v in values if marks.get(k, "") is not None
    )
    local = workflow.local_exec or job.is_local
    logs = str(Path(job.log[0]).parent) if job.log else ""
    return PlannedJob(job.rule.name, place, submission, local, logs)


def told_of_preset():
    """The run and its preset, in a line; `--config` replaces both of a profile."""
    preset = OVERRIDES.get("preset")
    base = "config.yaml as it is, no preset" if preset is None else f"preset {preset}"
    return f"run {CONFIG.run}: {base}; everything is written below results/{CONFIG.run}"


def refuse_the_paper_on_one_machine():
    """What runs on this machine names a preset; dry runs and --touch make nothing."""
    if workflow.local_exec and not workflow.touch and "preset" not in OVERRIDES:
        trajectories = sum(
            len(PRESENT.cells(CONFIG.run, name)) for name in PRESENT.domains()
        )
        sys.exit(
            f"error: no preset is named, so that all {trajectories} trajectories of config.yaml "
            "would be made on this machine; name one (--config preset=demo, with run=... for a "
            "name of your own), or submit to a cluster (--profile slurm); to run config.yaml as it is "
            "on this machine, add --config preset=none"
        )


def check_for_our_plugins():
    """Tell what a user's own profile lacks that was made when this repository had no plugins."""
    if workflow.executor_plugin.name == "slurm":
        sys.exit(
            "error: executor: slurm: it forgets jobs when Slurm does not answer; write executor: "
            "lasting-slurm into the profile, and its settings slurm-... as lasting-slurm-..."
        )
    output = workflow.output_settings
    quiet_about = {str(what) for what in output.quiet or ()}
    if "rules" in quiet_about and "grid" not in output.log_handler_settings:
        logger.warning(
            "warning: quiet: rules: nothing tells why a job fails; add logger: [grid] to the profile"
        )


def tell_figures():
    """Where the figures are that were asked for by name, to be opened."""
    for target in sorted(map(Path, workflow.dag.targetfiles)):
        if target.parent.name == "figures":
            say(f"figure: {target.with_suffix('.png')}")


if workflow.is_main_process:
    _, nothing_to_do = PLANNED
    logger.addHandler(Moment((nothing_to_do,), tell_figures))
    told = [told_of_preset(), *other_config(RESULTS, CONFIG), *CONFIG.left_out]
    say("\n".join(told))


onstart:
    check_for_our_plugins()
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
    if not workflow.touch:
        begin_afresh()
    try:
        record_configs(RESULTS, CONFIGS)
        if workflow.local_exec:  # the executor for Slurm does this itself
            record_driver(Path.cwd())
    except PipelineError as error:
        sys.exit(f"error: {error}")
    here, elsewhere = workflow.local_exec, workflow.nodes or 1
    local = (
        workflow.cores or 1 if here else 5
    )  # as many as Snakemake has threads for
    for run, config in CONFIGS.items():
        enabled = [name for name in DOMAINS if config.domain(name).enabled]
        trajectories = {name: PRESENT.cells(run, name) for name in enabled}
        jobs = local if here else elsewhere
        for line in describe_disk(config, trajectories, jobs):
            logger.info(f"{run}: {line}")
        for name, of_domain in trajectories.items():
            steps = len(of_domain) * config.domain(name).training.checkpoints[-1]
            logger.info(f"{run}: training for {name}: {steps:,} steps in all")
    given = workflow.overwrite_configfiles, workflow.config_settings.config_args
    if told := estimate_command(CONFIG.run, *given):
        logger.info(f"how long all training takes is told without a run by: {told}")
    jobs = {job.jobid: planned(job) for job in workflow.dag.needrun_jobs()}
    stages = {job.rule for job in jobs.values()}
    for name, stage in {"text": "corpus", "image": "images"}.items():
        if stage in stages and (found := own_files(CONFIG.domain(name).data)):
            logger.info(f"domains.{name}.data.source: {found.describe()}")
    # The logger plugin "grid", if the profile names it, makes its display of this.
    display = partial(GridProgress, jobs, local, elsewhere)
    logger.info(f"Jobs to run: {len(jobs)}", extra={"display": display})


onsuccess:
    tell_figures()
