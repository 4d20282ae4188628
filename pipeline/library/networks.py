"""Trained networks, each in one line of a notebook."""

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.artifacts.files import scratch_directory
from pipeline.artifacts.stamps import sealed_stamp
from pipeline.artifacts.tensors import Artifact, read_tensors, refusal
from pipeline.base.errors import PipelineError
from pipeline.config.recorded import RECORDED, default_config, recorded_config
from pipeline.config.schema import Config
from pipeline.library.card import model_card
from pipeline.networks.averages import averaged_weights
from pipeline.sampling.trained_network import TrainedNetwork
from pipeline.stages.domains import DOMAINS
from pipeline.stages.parts import load_part

WEIGHTS = "network.safetensors"
"""The checkpoint in the directory of an exported network."""


def load(path: str | Path, average: float | None = None) -> TrainedNetwork[Any, Any, Any]:
    """A trained network, from a checkpoint of a run or from a directory that `export` has made.

    Args:
        path: the checkpoint, `.../checkpoints/step<k>.safetensors`, or the directory.
        average: decay of the average of weights to load; none for the weights of the step itself.

    Raises:
        PipelineError: the file is no checkpoint, was altered, is of older code, or has no such
            average.
    """
    checkpoint = _read(Path(path))
    domain = checkpoint.stamp["spec"]["domain"]
    if domain not in DOMAINS:  # else a file could have any module of this package imported
        raise refusal(checkpoint.path, f"is of domain {domain!r}, which this code has not")
    parts = load_part(domain, "model"), load_part(domain, "sampler")
    sampling = _config_of(checkpoint.path).domain(domain).sampling
    kind: type[TrainedNetwork[Any, Any, Any]] = load_part(domain, "trained_network").Trained
    try:
        averaged_weights(checkpoint.tensors, average)
    except KeyError as error:
        raise PipelineError(
            f"{checkpoint.path} has no average of weights of decay {average}; choose one of "
            "training.average_decays of its run, or none"
        ) from error
    return kind(checkpoint, *parts, sampling, average)


def export(checkpoint: str | Path, directory: str | Path) -> None:
    """Make a directory of a checkpoint and of all that `load` and a reader need.

    It has the weights in safetensors, settings and the run's config as JSON, the grammars or the
    tokenizer, and a model card.

    Args:
        checkpoint: of a run.
        directory: a new one.

    Raises:
        PipelineError: the directory is there already, or the checkpoint cannot be read.
    """
    weights, target = _read(Path(checkpoint)), Path(directory)
    if target.exists():
        raise PipelineError(f"{target} is there already; choose another directory")
    with scratch_directory(target) as scratch:
        home = scratch / target.name
        home.mkdir()
        shutil.copyfile(weights.path, home / WEIGHTS)
        for path in load(checkpoint).sources:
            shutil.copyfile(path, home / path.name)
        _write(home / RECORDED, _config_of(weights.path).plain())
        _write(home / "settings.json", weights.stamp["spec"]["settings"])
        (home / "README.md").write_text(model_card(weights, target.name))
        home.rename(target)


def _read(path: Path) -> Artifact:
    weights = path / WEIGHTS if path.is_dir() else path
    if instead := _found_instead(weights):
        raise PipelineError(
            f"{weights} {instead}; choose a path of pipeline.checkpoints(run, domain), or a "
            "directory that pipeline.export has made"
        )
    return read_tensors(weights, "checkpoint")


def _found_instead(path: Path) -> str:
    """What is there in place of a checkpoint; nothing where one is, though it may be broken."""
    if not path.is_file():
        return "is not there"
    unknown = "checkpoint" if path.suffix == ".safetensors" else "another file"
    kind = (sealed_stamp(path) or {}).get("kind", unknown)
    return "" if kind == "checkpoint" else f"is not a checkpoint of this pipeline but {kind}"


def _config_of(checkpoint: Path) -> Config:
    """Config that was exported with a checkpoint, or of the run that it is in, or the default."""
    # Above a checkpoint: checkpoints, replicas, dataset size, setting, domain, and then the run.
    homes = [checkpoint.parent, *checkpoint.absolute().parents[5:6]]
    found = next((home for home in homes if (home / RECORDED).is_file()), None)
    return recorded_config(found) if found else default_config()


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
