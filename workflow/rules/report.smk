"""What Snakemake's report does without. No rules."""

import os

from pipeline.run.inventory import REPORTING, Moment
from pipeline.run.messages import say


def leave_out_of_report():
    """Have the report do without what is not there, which Snakemake would refuse to do.

    What a workflow that imports this one marks for the report, outside of the folders of our runs, is
    left to that workflow.
    """
    homes = [RESULTS / run for run in CONFIGS]
    for path in sorted({path for job in workflow.dag.jobs for path in job.output}):
        ours = any(Path(path).is_relative_to(home) for home in homes)
        if ours and "report" in path.flags and not os.path.exists(path):
            del path.flags["report"]
            say(f"warning: report: {path} is not there, so it is left out")


if workflow.is_main_process:
    logger.addHandler(Moment(REPORTING, leave_out_of_report))
