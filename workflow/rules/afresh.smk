"""What a run forgets: progress beside outputs that are forced or deleted. No rules."""

from pipeline.workspace import forget_progress

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
