"""Seconds that jobs of a cell take on this machine, told by a few steps and a few samples."""

import io
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

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
"""Seconds for which the steps of a network, and its sampling, are timed."""
_TRIED = 3
"""Steps that tell how many take so long."""
_MOST_STRINGS = 4096
"""Training strings that are drawn; with more of them a step takes no longer."""


class Cost(NamedTuple):
    """Seconds that parts of a job take.

    Attributes:
        start: until the first step of a training is done, or until sampling begins.
        checkpoint: losses and weights at one checkpoint, or all samples of one.
        step: each step of a training after the first.
    """

    start: float
    checkpoint: float
    step: float = 0.0

    def of(self, checkpoints: Sequence[int]) -> float:
        """Seconds of a job with checkpoints after so many steps, the last of them its end."""
        return self.start + len(checkpoints) * self.checkpoint + (checkpoints[-1] - 1) * self.step


class Costs(NamedTuple):
    """What the jobs of a cell take that grow with its network."""

    training: Cost
    sampling: Cost


def measure_costs(config: Config, domain: str, cell: Cell) -> Costs:
    """Train the network of a cell on random strings for some seconds, and sample it for some.

    It is the stages themselves that do so, in a temporary directory.
    """
    with tempfile.TemporaryDirectory() as directory, redirect_stderr(io.StringIO()):
        home = Path(directory)
        training = _training_cost(config, domain, cell, home)
        return Costs(training, _sampling_cost(config, domain, cell, home / checkpoint_name(1)))


def _training_cost(config: Config, domain: str, cell: Cell, home: Path) -> Cost:
    *_, step = _times(config, domain, cell, home, _TRIED)
    last = config.domain(domain).training.checkpoints[-1]
    steps = min(last, max(_TRIED, 1 + int(_MEASURED / step)))
    whole, first, step = _times(config, domain, cell, home, steps)
    # What other processes take of the machine meanwhile may make the difference negative.
    checkpoint = max(0.0, whole - first - (steps - 1) * step) / 2
    return Cost(_start("pipeline.training.train") + first, checkpoint, step)


def _sampling_cost(config: Config, domain: str, cell: Cell, checkpoint: Path) -> Cost:
    """Cost of sampling, by a checkpoint of the cell's network, whose samples are left beside it.

    It is sampled twice: what takes longer the first time does so once in a job.
    """
    from pipeline.run.brief_sampling import BriefSampler  # which takes seconds to import
    from pipeline.sampling.generate import sample

    spec, model = _spec(config, domain, cell, "sample"), load_part(domain, "model")
    brief = BriefSampler(load_part(domain, "sampler"), _MEASURED)

    def seconds(name: str) -> float:
        began, before = time.monotonic(), brief.left_out
        sample(spec, model, brief, [checkpoint], [checkpoint.with_name(name)])
        return time.monotonic() - began + brief.left_out - before

    first, later = seconds("first.safetensors"), seconds("later.safetensors")
    return Cost(_start("pipeline.sampling.generate") + max(0.0, first - later), later)


def _times(
    config: Config, domain: str, cell: Cell, home: Path, steps: int
) -> tuple[float, float, float]:
    """Seconds of a training of so many steps, of its first step, and of each one after that.

    There are checkpoints after the first step and the last, in the directory `home`.
    """
    from pipeline.training.train import train  # which takes seconds to import

    spec, model = _spec(config, domain, cell, "train"), load_part(domain, "model")
    dataset, losses = home / "dataset.safetensors", home / "losses.parquet"
    _write_strings(config, domain, cell, dataset)
    checkpoints = [home / checkpoint_name(step) for step in (1, steps)]
    began = time.monotonic()
    with _signals_given_back():
        train(spec, model, [], dataset, checkpoints, losses, keep_work=False)
    whole = time.monotonic() - began
    speeds = tables.read_table(losses, "losses").groupby("step")["steps_per_second"].first()
    return whole, 1 / float(speeds[1]), 1 / float(speeds[steps])


@contextmanager
def _signals_given_back() -> Iterator[None]:
    """Undo that a training takes the signals to end, which it keeps until its process is over."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _spec(config: Config, domain: str, cell: Cell, stage: str) -> Spec[Any]:
    """Spec of a job of the cell, without the fingerprint of its code."""
    settings = SLICES[domain][stage](config.domain(domain), cell)
    plain = {"stage": stage, "domain": domain, "settings": settings.plain()}
    return Spec(stage, domain, settings, plain)


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
def _start(module: str) -> float:
    """Seconds that a process takes to import what trains or samples."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", module], check=True)
    return time.monotonic() - began
