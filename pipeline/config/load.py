"""Read config.yaml, lay a preset and command-line values over it, and check the result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.config.schema import FIGURES, Config
from pipeline.errors import PipelineError

_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""Both read the same; every job of a run reads the config anew."""


def load_configs(path: Path, presets: Path, overrides: Mapping[str, Any]) -> dict[str, Config]:
    """Configs of a run and of its departures, by the names of the runs, the run itself first.

    Arguments and errors are those of `load_config`.
    """
    content = _content(path, presets, overrides)
    config = _check(content)
    configs = {config.run: config}
    for name, changes in config.departures.items():
        try:
            departure = _check(_departed(content, f"{config.run}_{name}", changes))
        except PipelineError as error:
            reason = str(error).removeprefix("config: ")
            raise PipelineError(f"config: departures.{name}: {reason}") from error
        _check_same_checkpoints(name, config, departure)
        configs[departure.run] = departure
    return configs


def load_config(path: Path, presets: Path, overrides: Mapping[str, Any]) -> Config:
    """Merge `path` < the preset that `overrides["preset"]` names < the other overrides.

    Args:
        path: the config file.
        presets: directory of `<name>.yaml` files that override parts of it.
        overrides: what was given on the command line with --config or --configfile.

    Raises:
        PipelineError: a file is unreadable, or a value is not allowed; one line names the key.
    """
    return _check(_content(path, presets, overrides))


def _content(path: Path, presets: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    overrides = dict(overrides)
    preset = overrides.pop("preset", None)
    merged = _read(path)
    if preset is not None:
        merged = _merge(merged, _of_preset(presets, preset))
    return _merge(merged, overrides)


def _of_preset(presets: Path, name: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Content of a preset, over that of the preset which it names in its turn.

    Args:
        presets: directory of presets.
        name: of the preset.
        above: presets that name it, the first of them first.
    """
    if name in above:
        raise PipelineError(f"config: preset: {name!r} is based on itself")
    content = _read(_preset_path(presets, name))
    base = content.pop("preset", None)
    return content if base is None else _merge(_of_preset(presets, base, (*above, name)), content)


def _departed(content: Mapping[str, Any], run: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Content of a departure: of grammars alone, without figures, which the run itself draws."""
    others = {name: {"enabled": False} for name in ("text", "image")}
    departed = {"run": run, "figures": [], "domains": {"rhm": changes, **others}}
    return _merge(content | {"departures": {}}, departed)


def _check_same_checkpoints(name: str, config: Config, departure: Config) -> None:
    """Refuse a departure whose checkpoints are others: they are outputs of the same rules."""
    training, departed = config.domains.rhm.training, departure.domains.rhm.training
    for key in ("checkpoints", "keep_checkpoints"):
        if getattr(training, key) != getattr(departed, key):
            raise PipelineError(
                f"config: departures.{name}.training.{key} = {getattr(departed, key)} must be that "
                f"of the run, {getattr(training, key)}"
            )


def _preset_path(presets: Path, name: str) -> Path:
    known = sorted(file.stem for file in presets.glob("*.yaml"))
    if name not in known:
        raise PipelineError(
            f"config: preset: {name!r} is unknown; choose one of {', '.join(known)}"
        )
    return presets / f"{name}.yaml"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(), Loader=_LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(f"config: {path} cannot be read as YAML: {reason}") from error
    if not isinstance(content, dict):
        raise PipelineError(f"config: {path} must hold keys and values, not {content!r}")
    return content


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay nested mappings; lists, scalars and sections of another kind are replaced whole."""
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _merge(merged[key], value) if _same_kind(merged.get(key), value) else value
    return merged


def _same_kind(one: object, other: object) -> bool:
    """Whether both are sections, and of one kind where kinds are told apart."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return False
    return other.get("kind", one.get("kind")) == one.get("kind")


def _check(content: Mapping[str, Any]) -> Config:
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise PipelineError(_first_problem(error, content)) from error
    for name in config.figures:
        domain = FIGURES[name].domain
        if not config.domain(domain).enabled:
            raise PipelineError(
                f"config: figures: {name!r} needs domains.{domain}.enabled = true, it is false"
            )
    if "rhm_choices" in config.figures and not config.departures:
        raise PipelineError(
            "config: departures = {} is empty, but figure 'rhm_choices' compares some; name them"
        )
    sizes = config.domains.rhm.grid.grammars[0].dataset_sizes
    if "rhm_accuracy_vs_training_step" in config.figures and "online" not in sizes:
        raise PipelineError(
            "config: figures: 'rhm_accuracy_vs_training_step' needs the dataset size 'online' in "
            f"domains.rhm.grid.grammars.0.dataset_sizes = {sizes}"
        )
    return config


def _first_problem(error: ValidationError, content: Mapping[str, Any]) -> str:
    problem = error.errors(include_url=False)[0]
    keys = _keys(problem["loc"], content)
    if problem["type"] == "missing":
        keys.append(str(problem["loc"][-1]))
    key = ".".join(keys)
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"config: {key} is missing: {message}"
    value = problem["input"]
    shown = "" if isinstance(value, dict) else f" = {value!r}"
    return f"config: {key}{shown}: {message}"


def _keys(place: tuple[int | str, ...], content: object) -> list[str]:
    """Keys of the config on the way to a problem, without the kinds that pydantic puts between."""
    keys = []
    for part in place:
        in_mapping = isinstance(content, Mapping) and part in content
        if in_mapping or (isinstance(content, list) and isinstance(part, int)):
            content = content[part]
            keys.append(str(part))
    return keys
