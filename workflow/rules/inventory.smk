"""What is told of artifacts that are there, or missing. No rules."""

import json
from itertools import chain

from pipeline.run.inventory import PLANNED, Moment, Settled, inventory
from pipeline.run.messages import say


def settled_jobs():
    """Jobs of the plan that will not run, in the order of the rules, with what they keep."""
    order = {rule.name: place for place, rule in enumerate(workflow.rules)}
    jobs = [job for job in workflow.dag.jobs if not workflow.dag.needrun(job)]
    for job in sorted(jobs, key=lambda job: (order[job.rule.name], str(job.output))):
        kept = tuple(str(path) for path in job.output if not path.is_temp)
        yield Settled(job.rule.name, kept, job.params.get("spec"))


def trainings():
    """Jobs of the plan that train, whether they will run or not, in a fixed order."""
    with_spec = [job for job in workflow.dag.jobs if job.params.get("spec")]
    found = [
        job for job in with_spec if json.loads(job.params.spec)["stage"] == "train"
    ]
    return sorted(found, key=lambda job: str(job.output))


def made_from(job):
    """Jobs with a spec whose outputs a job needs, directly or not."""
    for before in workflow.dag.dependencies[job]:
        yield from [before] if before.params.get("spec") else []
        yield from made_from(before)


def remade(job, upstream=()):
    from pipeline.run.retraining import Remade

    return Remade(
        job.params.spec,
        tuple(map(str, job.output)),
        job.benchmark and str(job.benchmark),
        tuple(map(remade, upstream)),
    )


def tell_retrainings():
    """What is trained anew because of code; then, what the code is made of that is now in use."""
    from pipeline.run.retraining import record_definitions, retrainings

    needrun = workflow.dag.needrun
    anew = [
        remade(job, filter(needrun, made_from(job)))
        for job in trainings()
        if needrun(job)
    ]
    for line in retrainings(anew):
        say(f"warning: {line}")
    if not workflow.dryrun:
        jobs = chain.from_iterable([job, *made_from(job)] for job in trainings())
        record_definitions(job.params.spec for job in jobs)


def tell_inventory():
    from pipeline.artifacts.stamps import recorded_paths

    recorded = recorded_paths(Path(".snakemake/metadata"))
    for line in inventory(settled_jobs(), recorded):
        say(f"warning: {line}")
    tell_retrainings()


if workflow.is_main_process:
    logger.addHandler(Moment(PLANNED, tell_inventory))

if workflow.is_main_process and CONFIG.partial:
    for name in DOMAINS:
        if CONFIG.domain(name).enabled and name not in or_exit(PRESENT.domains)():
            say(f"warning: partial: {PRESENT.nothing_of(name)}; it is left out")
