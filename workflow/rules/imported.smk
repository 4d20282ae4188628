"""What an imported workflow keeps of a run, for commands such as `status`: its config. No rules."""

from pipeline.config.recorded import record_configs
from pipeline.run.inventory import PLANNED, Moment


def keep_configs():
    if not workflow.dryrun:
        or_exit(record_configs)(RESULTS, CONFIGS)


if workflow.is_main_process:
    logger.addHandler(Moment(PLANNED, keep_configs))
