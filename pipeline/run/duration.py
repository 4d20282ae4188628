"""How long the trainings of a config take on this machine, told by a few steps of each network."""

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.artifacts import streams, tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.labels import Cell, parse_replicas
from pipeline.base.section import NoSettings
from pipeline.base.spec import Spec
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES
from pipeline.stages.parts import load_part
from pipeline.training.names import checkpoint_name

_MEASURED = 3.0
"""Seconds for which the steps of a network are timed."""
_TRIED = 3
"""Steps that tell how many take so long."""
_MOST_STRINGS = 4096
"""Training strings that are drawn; with more of them a step takes no longer."""


class Cost(NamedTuple):
    """Seconds that parts of a training take.

    Attributes:
        start: until its first step is done.
        checkpoint: losses and weights at one checkpoint.
        step: each step after the first.
    """

    start: float
    checkpoint: float
    step: float

    def of(self, checkpoints: Sequence[int]) -> float:
        """Seconds of a training with checkpoints after so many steps, the last of them its end."""
        return self.start + len(checkpoints) * self.checkpoint + (checkpoints[-1] - 1) * self.step


def describe_trainings(
    config: Config, cells: Mapping[str, Sequence[Cell]], jobs: int, unit: str
) -> list[str]:
    """A line per domain of `cells`: how many steps there are, and how long they take.

    Args:
        config: of the run.
        cells: of every domain.
        jobs: how many train at a time.
        unit: what one of them trains on, such as a core.
    """
    lines = []
    for name, of_domain in cells.items():
        seconds = trainings_seconds(config, name, of_domain)
        steps = len(seconds) * config.domain(name).training.checkpoints[-1]
        # Shared evenly, but no sooner than the longest of them ends.
        together = max([sum(seconds) / jobs, *seconds])
        lines.append(
            f"training for {name}: {len(seconds)} trainings, {steps:,} steps: about "
            f"{_told(sum(seconds))} on one {unit}; {_told(together)} with {jobs} at a time"
        )
    return lines


def trainings_seconds(config: Config, domain: str, cells: Sequence[Cell]) -> list[float]:
    """Seconds that the training of every cell takes alone; each shape of network is timed once."""
    shapes = [(cell.setting, len(parse_replicas(cell.replicas))) for cell in cells]
    examples = dict(zip(shapes, cells, strict=True))
    checkpoints = config.domain(domain).training.checkpoints
    costs = {shape: training_cost(config, domain, cell) for shape, cell in examples.items()}
    return [costs[shape].of(checkpoints) for shape in shapes]


def training_cost(config: Config, domain: str, cell: Cell) -> Cost:
    """Train the network of a cell on random strings for some seconds, in a temporary directory."""
    *_, step = _times(config, domain, cell, _TRIED)
    last = config.domain(domain).training.checkpoints[-1]
    steps = min(last, max(_TRIED, 1 + int(_MEASURED / step)))
    whole, first, step = _times(config, domain, cell, steps)
    # What other processes take of the machine meanwhile may make the difference negative.
    checkpoint = max(0.0, whole - first - (steps - 1) * step) / 2
    return Cost(_start() + first, checkpoint, step)


def _times(config: Config, domain: str, cell: Cell, steps: int) -> tuple[float, float, float]:
    """Seconds of a training of so many steps, of its first step, and of each one after that.

    It is the stage itself that trains, with checkpoints after the first step and the last.
    """
    from pipeline.training.train import train  # which takes seconds to import

    settings = SLICES[domain]["train"](config.domain(domain), cell)
    plain = {"stage": "train", "domain": domain, "settings": settings.plain()}
    spec = Spec("train", domain, settings, plain)
    with tempfile.TemporaryDirectory() as directory, redirect_stderr(io.StringIO()):
        home = Path(directory)
        dataset, losses = home / "dataset.safetensors", home / "losses.parquet"
        _write_strings(config, domain, cell, dataset)
        checkpoints = [home / checkpoint_name(step) for step in (1, steps)]
        began = time.monotonic()
        train(spec, load_part(domain, "model"), [], dataset, checkpoints, losses, keep_work=False)
        whole = time.monotonic() - began
        speeds = tables.read_table(losses, "losses").groupby("step")["steps_per_second"].first()
    return whole, 1 / float(speeds[1]), 1 / float(speeds[steps])


def _write_strings(config: Config, domain: str, cell: Cell, path: Path) -> None:
    """A dataset of random strings of 0 and 1, as long and, up to a limit, as many as the cell's."""
    section = config.domain(domain)
    settings = SLICES[domain]["train"](section, cell)
    size = int(cell.dataset_size) if cell.dataset_size.isdecimal() else _MOST_STRINGS
    counts = {"training": min(size, _MOST_STRINGS), "validation": section.data.validation_size}
    if isinstance(section, RhmConfig):
        counts["test"] = section.data.test_size
    length = load_part(domain, "sampler").string_length(settings)
    rng, replicas = np.random.default_rng(0), len(parse_replicas(cell.replicas))
    spec = Spec("dataset", domain, NoSettings(), {"stage": "dataset", "settings": {}})
    with streams.writing(path, make_stamp("dataset", spec, {})) as stream:
        for name, count in counts.items():
            shape = replicas, count, length
            stream.add(name, [rng.integers(0, 2, shape, dtype=np.uint8)], shape)


@cache
def _start() -> float:
    """Seconds that a process takes to import what trains."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "pipeline.training.train"], check=True)
    return time.monotonic() - began


def _told(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
