"""What an imported workflow keeps of a run, for commands such as `status`, and warns of. No rules."""

from pipeline.config.recorded import record_configs
from pipeline.run.inventory import PLANNED, Moment
from pipeline.run.messages import say
from pipeline.stages.catalogue import STAGES


def keep_configs():
    if not workflow.dryrun:
        or_exit(record_configs)(RESULTS, CONFIGS)


def tell_of_lost_settings():
    """Warn of settings of a profile that name rules as they are called where nobody imports them."""
    ours = {rule.name for stage in STAGES.values() for rule in stage.rules}
    set_here = {
        *workflow.resource_settings.overwrite_resources,
        *workflow.group_settings.overwrite_groups,
    }
    lost = sorted(set_here & ours - {rule.name for rule in workflow.rules})
    if lost:
        say(
            f"warning: set-resources or groups: {', '.join(lost)}: no rule has this name here, so it "
            "is without effect; write the names that the import gives, such as diffusion_train"
        )


if workflow.is_main_process:
    logger.addHandler(Moment(PLANNED, tell_of_lost_settings))
    logger.addHandler(Moment(PLANNED, keep_configs))
