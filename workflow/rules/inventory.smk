"""What is told of artifacts that are there, or missing. No rules."""

import os

from pipeline.run.inventory import PLANNED, REPORTING, Moment, Settled, inventory


def settled_jobs():
    """Jobs of the plan that will not run, in the order of the rules, with what they keep."""
    order = {rule.name: place for place, rule in enumerate(workflow.rules)}
    jobs = [job for job in workflow.dag.jobs if not workflow.dag.needrun(job)]
    for job in sorted(jobs, key=lambda job: (order[job.rule.name], str(job.output))):
        kept = tuple(str(path) for path in job.output if not path.is_temp)
        yield Settled(job.rule.name, kept, job.params.get("spec"))


def tell_inventory():
    from pipeline.artifacts.stamps import recorded_paths

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
        if CONFIG.domain(name).enabled and name not in or_exit(PRESENT.domains)():
            print(
                f"warning: partial: no cell of {name} is finished; it is left out",
                file=sys.stderr,
            )
