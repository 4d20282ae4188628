"""What Snakemake's report does without. No rules."""

import os

from pipeline.run.inventory import REPORTING, Moment


def leave_out_of_report():
    """Have the report do without what is not there, which Snakemake would refuse to do.

    What is marked for the report by a workflow that imports this one is left to that workflow.
    """
    homes = [RESULTS / run for run in CONFIGS]
    for path in sorted({path for job in workflow.dag.jobs for path in job.output}):
        ours = any(Path(path).is_relative_to(home) for home in homes)
        if ours and "report" in path.flags and not os.path.exists(path):
            del path.flags["report"]
            print(
                f"warning: report: {path} is not there, so it is left out",
                file=sys.stderr,
            )


if workflow.is_main_process:
    logger.addHandler(Moment(REPORTING, leave_out_of_report))
