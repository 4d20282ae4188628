"""The command line of a stage, and how it is run, by its record."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.sources.contents import planned_files
from pipeline.stages.parts import load_part
from pipeline.stages.record import Files, Setting, Stage
from pipeline.stages.specs import start_job

_NUMBERS = {"one": None, "optional": "?", "many": "*"}
"""How many paths an option has, as argparse has it."""


def add_stage(stages: "argparse._SubParsersAction[argparse.ArgumentParser]", stage: Stage) -> None:
    """Add the command of a stage, all of whose options have to be given but for optional files."""
    parser = stages.add_parser(stage.name, help=f"run {stage.function}")
    if stage.has_spec:
        parser.add_argument("--spec", required=True, help="canonical JSON written by the workflow")
    for setting in stage.settings:
        _add_setting(parser, setting)
    for file in (*stage.inputs, *stage.outputs):
        _add_files(parser, file)


def run_stage(stage: Stage, options: dict[str, Any]) -> None:
    """Run a stage with the options of its command.

    Raises:
        PipelineError: sources changed after the workflow was planned, or what the stage raises.
    """
    if stage.has_spec:
        spec = start_job(options["spec"])
        parts = {name: load_part(spec["domain"], part) for name, part in stage.parts.items()}
        options = {**options, "spec": spec, **parts}
        if stage.own_files:
            own = planned_files(spec["settings"])
            options[stage.own_files] = [*own, *options[stage.own_files]]
    getattr(import_module(stage.module), stage.function.partition(":")[2])(**options)


def _add_setting(parser: argparse.ArgumentParser, setting: Setting) -> None:
    parser.add_argument(
        f"--{setting.option.replace('_', '-')}",
        type=setting.parse,
        nargs="+" if setting.many else None,
        required=True,
        help=setting.meaning,
    )


def _add_files(parser: argparse.ArgumentParser, file: Files) -> None:
    parser.add_argument(
        f"--{file.option}",
        type=Path,
        nargs=_NUMBERS[file.number],
        required=file.number != "optional",
        help=file.pattern,
    )
