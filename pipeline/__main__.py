"""Command line: `python -m pipeline <stage> --spec JSON ...`, one stage per call, and `status`.

The workflow's rules call stages, users call `status`. Stages are imported when they run, so that
those which need no torch start without it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.run.command import add_stage, run_stage
from pipeline.run.job_environment import use_allocated_cpus
from pipeline.stages.catalogue import STAGES


def main() -> None:
    """Run one stage; a failure the user can mend is one line on standard error."""
    options = vars(_parser().parse_args())
    use_allocated_cpus(options.get("processes", 1))
    command = options.pop("stage")
    try:
        _status(options) if command == "status" else run_stage(STAGES[command], options)
    except PipelineError as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    stages = parser.add_subparsers(required=True, dest="stage", metavar="stage")
    for stage in STAGES.values():
        add_stage(stages, stage)
    status = stages.add_parser("status", help="how far every cell of a run is")
    status.add_argument("name", metavar="run", help="name of the run, below results/")
    status.add_argument("--json", action="store_true", help="a list of objects, not a table")
    return parser


def _status(options: dict[str, Any]) -> None:
    from pipeline.run.status import print_status

    print_status(Path(), options["name"], options["json"])


if __name__ == "__main__":
    main()
