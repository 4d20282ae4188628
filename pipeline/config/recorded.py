"""Configs that runs were started with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts.files import replacing
from pipeline.base.errors import PipelineError
from pipeline.config.load import NO_PRESET, load_config
from pipeline.config.schema import Config

RECORDED = "config.json"
"""File that a run, or an exported network, keeps its config in."""
_ROOT = Path(__file__).parents[2]
_MOST_NAMED = 3
"""Keys that a warning names, at most."""
_LONGEST = 30
"""Characters of values that a warning names, at most."""


def record_configs(results: Path, configs: Mapping[str, Config]) -> None:
    """Keep the configs that runs are started with.

    Args:
        results: directory of all runs.
        configs: by the names of the runs.

    Raises:
        PipelineError: one cannot be written.
    """
    for run, config in configs.items():
        with replacing(results / run / RECORDED) as temporary:
            temporary.write_text(json.dumps(config.plain(), indent=1) + "\n")


def recorded_config(directory: Path) -> Config:
    """The config that a run was last started with.

    Args:
        directory: of the run.

    Raises:
        PipelineError: it cannot be read, or is of older code.
    """
    path = directory / RECORDED
    try:
        return Config.model_validate_json(path.read_text())
    except OSError as error:
        raise PipelineError(f"{path}: {error.strerror}; start the run first") from error
    except ValueError as error:
        raise PipelineError(f"{path}: is of another version; start the run again") from error


def dotted(section: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """Values of nested sections by their dotted keys, lists as JSON."""
    found: dict[str, object] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            found |= dotted(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = json.dumps(value) if isinstance(value, list) else value
    return found


def differing(sections: Sequence[Mapping[str, Any]]) -> dict[str, list[object]]:
    """Values, by dotted key, that are not the same in all sections; None where one has no key."""
    flat = [dotted(section) for section in sections]
    keys = dict.fromkeys(key for values in flat for key in values)
    found = {key: [values.get(key) for values in flat] for key in keys}
    return {key: values for key, values in found.items() if len(set(map(repr, values))) > 1}


def other_config(results: Path, config: Config) -> list[str]:
    """Lines of a warning if a run was last started with another config; none otherwise.

    Keys that only one of both configs has are passed over, as those of another version are; so is
    `partial`, which says what is shown of a run.

    Args:
        results: directory of all runs.
        config: that the run is being started with.
    """
    path = results / config.run / RECORDED
    try:
        last, now = dotted(json.loads(path.read_text())), dotted(config.plain())
    except (OSError, ValueError, AttributeError):  # never started, or no config
        return []
    changed = [key for key in now if key in last and last[key] != now[key] and key != "partial"]
    if not changed:
        return []
    named = ", ".join(_change(key, last[key], now[key]) for key in changed[:_MOST_NAMED])
    others = f" and {len(changed) - _MOST_NAMED} more" if changed[_MOST_NAMED:] else ""
    return [
        f"warning: run {config.run} was last started with another config: {named}{others}",
        "  what this makes stale is made anew; to go on with that config, give its preset and its "
        "--set (or --config) again; to keep both, name another run",
    ]


def _change(key: str, last: object, now: object) -> str:
    """A key, with the values that it had and has if they are short."""
    values = [json.dumps(value) if isinstance(value, bool) else f"{value}" for value in (last, now)]
    short = all(len(value) <= _LONGEST for value in values)
    return f"{key} (was {values[0]}, is {values[1]})" if short else key


def default_config() -> Config:
    """The config of this checkout as it is, without a preset."""
    return load_config(_ROOT / "config.yaml", _ROOT / "workflow/presets", {"preset": NO_PRESET})
