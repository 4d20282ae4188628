"""What is told of a run that grows: trained replicas that are not kept. No rules."""

from pipeline.base.labels import Cell
from pipeline.run.growth import Training, trained_anew
from pipeline.run.inventory import PLANNED, Moment
from pipeline.run.messages import say
from pipeline.stages.catalogue import STAGES
from pipeline.training.names import step_of

TRAININGS = {rule.name for rule in STAGES["train"].rules}


def planned_trainings():
    """Trainings of the plan, but for those that the user forces to begin afresh."""
    forced = set(forced_jobs())
    for job in workflow.dag.needrun_jobs():
        if job.rule.name in TRAININGS and job not in forced:
            place = job.wildcards
            yield Training(
                Path("results", place.run, place.domain),
                Cell(place.setting, place.dataset_size, place.replicas),
                frozenset(step_of(Path(path).name) for path in job.output.checkpoints),
                job.params.spec,
            )


def tell_growth():
    for line in trained_anew(planned_trainings()):
        say(f"warning: {line}")


if workflow.is_main_process:
    logger.addHandler(Moment(PLANNED, tell_growth))
