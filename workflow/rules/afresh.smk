"""What a run forgets: outputs that are forced by the name of their rule, and progress. No rules."""

from pipeline.artifacts.files import remove
from pipeline.artifacts.workspace import forget_progress
from pipeline.stages.catalogue import RESUMABLE


def forget_progress_of(jobs):
    for job in jobs:
        if job.rule.name in RESUMABLE:
            forget_progress(job.output)


def begin_afresh():
    """Forget what forced jobs have made, at once: after a stop, the run goes on without the force."""
    forced = [job for job in forced_jobs() if job.rule.name in RESUMABLE]
    try:
        forget_progress_of(forced)
        for path in (path for job in forced for path in job.output):
            remove(Path(path))
    except (PipelineError, OSError) as error:
        sys.exit(f"error: {error}")


def delete_output(only_temp=False, dryrun=False, delete=workflow.delete_output):
    """What --delete-all-output does: delete outputs, and then progress towards them."""
    delete(only_temp=only_temp, dryrun=dryrun)
    if not (only_temp or dryrun):
        forget_progress_of(workflow.dag.jobs)


workflow.delete_output = delete_output


def forced_jobs():
    """Jobs of rules that the user forces by name; forcing a path instead resumes from progress."""
    forced, everything = workflow.dag_settings.forcerun, workflow.dag_settings.forceall
    jobs = workflow.dag.needrun_jobs()
    return [job for job in jobs if everything or job.rule.name in forced]
