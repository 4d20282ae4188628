"""Command line: of stages, for the workflow; and for people.

People call `run`, `status`, `compare`, `page` and `explore`. Stages are imported when they run, so
that those which need no torch start without it.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.run.command import add_run, add_stage, run_stage
from pipeline.run.job_environment import use_allocated_cpus
from pipeline.stages.catalogue import STAGES


def main() -> None:
    """Run one command; a failure the user can mend is one line on standard error."""
    parser = _parser()
    known, unknown = parser.parse_known_args()
    options = vars(known)
    command = options.pop("stage")
    if unknown:  # argparse would show the options of no command
        about = f"python -m pipeline {command} --help"
        parser.exit(2, f"error: {command} has no {' '.join(unknown)}; {about} tells its options\n")
    try:
        _FOR_PEOPLE.get(command, partial(_stage, command))(options)
    except PipelineError as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    stages = parser.add_subparsers(required=True, dest="stage", metavar="stage")
    for stage in STAGES.values():
        add_stage(stages, stage)
    add_run(stages)
    _add_compare(stages)
    page = stages.add_parser("page", help="what a run found, on one page of HTML")
    page.add_argument("name", metavar="run", help="below results/")
    explore = stages.add_parser("explore", help="a page to look around in, by size and step")
    explore.add_argument("name", metavar="run", help="below results/")
    status = stages.add_parser("status", help="how far every cell of a run is")
    status.add_argument("name", metavar="run", nargs="?", help="below results/; none: all runs")
    status.add_argument("--json", action="store_true", help="a list of objects, not a table")
    return parser


def _stage(name: str, options: dict[str, Any]) -> None:
    use_allocated_cpus(options.get("processes", 1))
    run_stage(STAGES[name], options)


def _status(options: dict[str, Any]) -> None:
    from pipeline.run.overview import print_runs
    from pipeline.run.status import print_status

    if options["name"] is None:
        print_runs(Path(), options["json"])
    else:
        print_status(Path(), options["name"], options["json"])


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("compare", help="runs beside one another")
    parser.add_argument("runs", nargs="+", metavar="run", help="names, below results/")
    parser.add_argument("--figure", help="side by side, as each run has drawn it")
    parser.add_argument("--table", help="of all runs as one, in CSV")


def _compare(options: dict[str, Any]) -> None:
    from pipeline.library.shown import show_comparison

    show_comparison(options["runs"], options["figure"], options["table"], Path("results"))


def _page(options: dict[str, Any]) -> None:
    from pipeline.documents.page import write_page

    print(f"page: {write_page(Path(), options['name'])}")


def _explore(options: dict[str, Any]) -> None:
    from pipeline.documents.explore import write_explorer

    print(f"page: {write_explorer(Path(), options['name'])}")


def _run(options: dict[str, Any]) -> None:
    from pipeline.run.estimate import estimate
    from pipeline.run.launch import launch

    if options["estimate"]:
        estimate(options)
    else:
        launch(options)


_FOR_PEOPLE = {
    "run": _run,
    "compare": _compare,
    "page": _page,
    "explore": _explore,
    "status": _status,
}


if __name__ == "__main__":
    main()
