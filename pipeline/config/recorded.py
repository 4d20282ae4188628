"""Configs that runs were started with."""

import json
from collections.abc import Mapping
from pathlib import Path

from pipeline.artifacts.files import replacing
from pipeline.base.errors import PipelineError
from pipeline.config.load import NO_PRESET, load_config
from pipeline.config.schema import Config

RECORDED = "config.json"
"""File that a run, or an exported network, keeps its config in."""
_ROOT = Path(__file__).parents[2]


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


def default_config() -> Config:
    """The config of this checkout as it is, without a preset."""
    return load_config(_ROOT / "config.yaml", _ROOT / "workflow/presets", {"preset": NO_PRESET})
