"""The command line: of stages, by their records, which also say how they are run; and of `run`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.run.lineage import gather_lineage
from pipeline.sources.contents import planned_files
from pipeline.stages.domains import DOMAINS
from pipeline.stages.parts import load_definition, load_part
from pipeline.stages.record import Files, Option, Stage
from pipeline.stages.specs import start_job

PRESETS = Path("workflow/presets")
"""Where presets are, in the root of a clone."""
_NUMBERS = {"one": None, "optional": "?", "many": "*"}
"""How many paths an option has, as argparse has it."""


def add_stage(stages: "argparse._SubParsersAction[argparse.ArgumentParser]", stage: Stage) -> None:
    """Add the command of a stage, all of whose options have to be given but for optional files."""
    parser = stages.add_parser(stage.name, help=f"run {stage.function}")
    if stage.settings:
        parser.add_argument("--spec", required=True, help="canonical JSON written by the workflow")
    for option in stage.options:
        _add_option(parser, option)
    for file in (*stage.inputs, *stage.outputs):
        _add_files(parser, file)


def add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `run`."""
    parser = commands.add_parser("run", help="make a run, or what a config change made stale")
    add = parser.add_argument
    # An option that is given twice has the values of both: the last would else stand alone.
    several: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    add("name", metavar="run", help="name of the run, below results/")
    add("--preset", required=True, help=f"of {PRESETS}, a file like those, or none")
    add("--figure", **several, help="draw these, and make what they need")
    add("--domain", **several, choices=DOMAINS, help="make all of these, and of no other")
    add("--set", **several, metavar="KEY=VALUE", help="as domains.rhm.network.width=32")
    add("--slurm", type=int, metavar="JOBS", help="on a cluster, so many jobs at a time")
    add("--profile", help="another profile than those of this machine and of the cluster")
    add("--dry-run", action="store_true", help="tell what would run, and why")
    add("--estimate", action="store_true", help="tell disk and time, by a few steps and samples")


def run_stage(stage: Stage, options: dict[str, Any]) -> None:
    """Run a stage with the options of its command.

    Raises:
        PipelineError: sources changed after the workflow was planned, inputs do not belong
            together, or what the stage raises.
    """
    if stage.settings:
        inputs, outputs = _paths(stage.inputs, options), _paths(stage.outputs, options)
        spec = replace(start_job(options["spec"]), lineage=gather_lineage(inputs, outputs))
        parts = {name: load_part(spec.domain, part) for name, part in stage.parts.items()}
        options = {**options, "spec": spec, **parts}
        if stage.own_files:
            own = planned_files(spec.settings.source, spec.settings.content)
            options[stage.own_files] = [*own, *options[stage.own_files]]
    load_definition(stage.function)(**options)


def _paths(files: Sequence[Files], options: Mapping[str, Any]) -> list[Path]:
    """All paths that some options name."""
    named = (options[file.option] for file in files)
    return [path for value in named for path in (value if isinstance(value, list) else [value])]


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    parse = option.parse
    parser.add_argument(
        f"--{option.option.replace('_', '-')}",
        type=partial(_section, parse) if isinstance(parse, str) else parse,
        nargs="+" if option.many else None,
        required=True,
        help=option.meaning,
    )


def _section(kind: str, text: str) -> object:
    """A section of the config of a type that is told by its name."""
    section: object = TypeAdapter(load_definition(kind)).validate_json(text)
    return section


def _add_files(parser: argparse.ArgumentParser, file: Files) -> None:
    parser.add_argument(
        f"--{file.option}",
        type=Path,
        nargs=_NUMBERS[file.number],
        required=file.number != "optional",
        help=file.pattern,
    )
