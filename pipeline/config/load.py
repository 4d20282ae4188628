"""Lay a preset and command-line values over config.yaml, and check the result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import ValidationError

from pipeline.base.errors import PipelineError
from pipeline.config.names import did_you_mean
from pipeline.config.problems import describe_problems
from pipeline.config.read import Content, read_entries, read_file
from pipeline.config.schema import Config
from pipeline.stages.domains import DOMAINS

NO_PRESET = "none"
"""What to give as the preset for config.yaml as it is, said outright."""


def load_configs(path: Path, presets: Path, overrides: Mapping[str, Any]) -> dict[str, Config]:
    """Configs of a run and of its departures, by the names of the runs, the run itself first.

    Arguments and errors are those of `load_config`.
    """
    content = _content(path, presets, overrides)
    config = _check(content)
    configs = {config.run: config}
    problems = []
    for name, changes in content["departures"].items():
        try:
            departure = _check(_departed(content, f"{config.run}_{name}", changes))
        except _Refused as refused:
            problems += [f"departures.{name}: {problem}" for problem in refused.problems]
            continue
        problems += _other_checkpoints(name, config, departure)
        configs[departure.run] = departure
    if problems:
        raise _Refused(problems)
    return configs


def load_config(path: Path, presets: Path, overrides: Mapping[str, Any]) -> Config:
    """Merge `path` < the preset that `overrides["preset"]` names < the other overrides.

    Args:
        path: the config file.
        presets: directory of `<name>.yaml` files that override parts of it.
        overrides: what was given on the command line, see `read_overrides`.

    Raises:
        PipelineError: a file is unreadable, or values are not allowed; a line for each problem
            names key, value, remedy and place.
    """
    return _check(_content(path, presets, overrides))


def read_overrides(files: Sequence[Path], entries: Sequence[str]) -> Content:
    """Content of --configfile, where later files override earlier ones, and over it of --config.

    Snakemake has read both already, but it takes the last of two equal keys of a file, and it takes
    for text what is nested in an entry.

    Raises:
        PipelineError: a file or entry cannot be read.
    """
    merged = Content({}, {})
    for content in (*map(read_file, files), read_entries(entries)):
        merged = _merge(merged, content)
    return merged


class _Refused(PipelineError):
    """A config with problems: one is told in a line, several are listed below one."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        listed = "".join(f"\n  {problem}" for problem in problems)
        told = problems[0] if len(problems) == 1 else f"{len(problems)} problems:{listed}"
        super().__init__(f"config: {told}")


def _content(path: Path, presets: Path, overrides: Mapping[str, Any]) -> Content:
    merged = read_file(path)
    preset = overrides.get("preset", NO_PRESET)
    if preset is None:  # as an unset variable of a shell gives
        raise PipelineError(f"config: preset is empty; name one, or write preset={NO_PRESET}")
    if preset != NO_PRESET:
        merged = _merge(merged, _of_preset(presets, preset))
    merged = _merge(merged, overrides)
    merged.pop("preset", None)
    return merged


def _of_preset(presets: Path, name: object, above: tuple[object, ...] = ()) -> Content:
    """Content of a preset, over that of the preset which it names in its turn.

    Args:
        presets: directory of presets.
        name: of the preset.
        above: presets that name it, the first of them first.
    """
    if name in above:
        raise PipelineError(f"config: preset: {name!r} is based on itself")
    content = read_file(_preset_path(presets, name))
    base = content.pop("preset", None)
    return content if base is None else _merge(_of_preset(presets, base, (*above, name)), content)


def _departed(content: Content, run: str, changes: Mapping[str, Any]) -> Content:
    """Content of a departure: of grammars alone, without figures, which the run itself draws."""
    others = {name: {"enabled": False} for name in DOMAINS if name != "rhm"}
    departed = {"run": run, "figures": [], "domains": {"rhm": changes, **others}}
    return _merge(Content({**content, "departures": {}}, content.places), departed)


def _other_checkpoints(name: str, config: Config, departure: Config) -> list[str]:
    """What is wrong with a departure's checkpoints: outputs of the same rules, they must agree."""
    training, departed = config.domains.rhm.training, departure.domains.rhm.training
    return [
        f"departures.{name}.training.{key} = {getattr(departed, key)} must be that of the run, "
        f"{getattr(training, key)}"
        for key in ("checkpoints", "keep_checkpoints")
        if getattr(training, key) != getattr(departed, key)
    ]


def _preset_path(presets: Path, name: object) -> Path:
    known = sorted(file.stem for file in presets.glob("*.yaml"))
    if name not in known:
        raise PipelineError(
            f"config: preset: {name!r} is unknown; choose one of {', '.join(known)}, or "
            f"{NO_PRESET} for config.yaml as it is{did_you_mean(name, known)}"
        )
    return presets / f"{name}.yaml"


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Content:
    """Overlay nested sections; lists, scalars and sections of another kind are replaced whole."""
    merged = Content(base, getattr(base, "places", {}))
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if _same_kind(below, value) else value
        merged.places.pop(key, None)
    merged.places.update(getattr(over, "places", {}))
    return merged


def _same_kind(one: object, other: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether both are sections, and of one kind where kinds are told apart."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return False
    return other.get("kind", one.get("kind")) == one.get("kind")


def _check(content: Content) -> Config:
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        problems = describe_problems(error, content, Config.model_json_schema())
        raise _Refused(problems) from error
