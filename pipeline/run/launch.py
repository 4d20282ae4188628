"""Command `run`: snakemake with targets and options in an order that it cannot take wrongly.

Snakemake takes what follows `--config` for more of it, a profile's `config:` is dropped as soon as
one is given on the command line, and a run without a preset is the paper's. None of this needs to
be known here; the command is printed, for those who want to go on from it.
"""

import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.config.load import NO_PRESET, read_overrides
from pipeline.config.names import did_you_mean
from pipeline.config.read import read_entries, read_file
from pipeline.run.command import PRESETS
from pipeline.stages.figures import FIGURES
from pipeline.stages.paths import FIGURE

_HERE, _CLUSTER = "workflow/profiles/local", "slurm"


def launch(options: Mapping[str, Any]) -> None:
    """Become snakemake, after its command was shown.

    Raises:
        PipelineError: a figure, the preset or a key does not exist.
    """
    command = list(snakemake_command(options))
    print(shlex.join(command), file=sys.stderr, flush=True)
    os.execvp(command[0], command)


def snakemake_command(options: Mapping[str, Any]) -> Iterator[str]:
    """The command that makes what the options ask for; raises as `launch`."""
    run, slurm = options["name"], options["slurm"]
    yield "snakemake"
    yield from (_figure(run, name) for name in options["figure"])
    yield from options["domain"]
    yield from ("--profile", options["profile"] or (_HERE if slurm is None else _CLUSTER))
    if slurm is not None:
        yield from ("--jobs", str(slurm))
    if options["dry_run"]:
        yield "--dry-run"
    preset, file = _preset(options["preset"])
    yield from ("--configfile", f"{file}") if file else ()
    yield "--config"  # last, as it takes all that follows
    for key, value in {"preset": preset, "run": run, **_nested(options["set"])}.items():
        yield f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def estimate_command(run: str, files: Sequence[Path], entries: Sequence[str]) -> str | None:
    """The command that tells what a run takes, from what snakemake was given for that run.

    Args:
        run: name of the run.
        files: of `--configfile`.
        entries: of `--config`.

    Returns:
        A line for a shell. None where the command `run` cannot be given the same config: of several
        files, or of a file and another preset than it names.
    """
    preset = read_overrides(files, entries).get("preset", NO_PRESET)
    if len(files) > 1 or files and _preset(f"{files[0]}")[0] != preset:
        return None
    named = _shown(files[0]) if files else f"{preset}"
    others = [one for one in entries if one.partition("=")[0] not in ("preset", "run")]
    changes = ("--set", *others) if others else ()
    start = ("python", "-m", "pipeline", "run", run, "--preset", named)
    return shlex.join((*start, *changes, "--estimate"))


def _shown(path: Path) -> str:
    """A path as short as it can be given in the working directory."""
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}"


def _figure(run: str, name: str) -> str:
    if name not in FIGURES:
        raise PipelineError(f"--figure {name} is none{did_you_mean(name, FIGURES)}")
    return FIGURE.format(run=run, figure=name)


def _preset(name: str) -> tuple[str, Path | None]:
    """Name of a preset; and the file of one's own that is laid over it, if it is a file."""
    known, file = [NO_PRESET, *sorted(path.stem for path in PRESETS.glob("*.yaml"))], Path(name)
    if file.is_file():
        return read_file(file).get("preset", NO_PRESET), file
    if name not in known:
        raise PipelineError(
            f"--preset {name} is no file and not in {PRESETS}; choose one of {', '.join(known)}"
        )
    return name, None


def _nested(settings: Sequence[str]) -> dict[str, Any]:
    """Values of dotted keys, as nested as the config is.

    Raises:
        PipelineError: a setting is not KEY=VALUE, or a key stands twice.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, _ = setting.partition("=")
        if not equals:
            raise PipelineError(f"--set {setting} must be KEY=VALUE, as run=mine")
        (value,) = read_entries([setting]).values()
        *above, last = key.split(".")
        section = found
        for name in above:
            section = section.setdefault(name, {})
        if last in section:
            raise PipelineError(f"--set {key} is given twice; keep one")
        section[last] = value
    return found
