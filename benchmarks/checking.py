"""Stages that read artifacts, with every byte and the lineage checked, and without."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.contest import Contest, Side
from benchmarks.tables import Grid
from benchmarks.unchecked import unchecked
from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.base.section import NoSettings, Section
from pipeline.base.spec import Spec
from pipeline.datasets.build import make_dataset
from pipeline.measurement.measure import measure
from pipeline.rhm import data
from pipeline.rhm import measure as measures
from pipeline.rhm.grammar.rules import load_grammar, make_grammar
from pipeline.rhm.settings import DatasetSettings, Measurement, RandomGrammar
from pipeline.rhm.strings.splits import StringSource
from pipeline.run.lineage import gather_lineage
from pipeline.stages.specs import make_spec

_NOTE = "the job, with its start; 0.13 ms a table go into hashes of its 20 kB, seal and lineage"
_PAPER = 188
"""Cells of the paper's grid."""
GOAL = 0.95
"""Speed of stages that check, over that of stages that do not."""


class Trajectory:
    """What a trajectory of the demo leaves for stage `measure`, in a directory."""

    def __init__(self, directory: Path, steps: int = 12, strings: int = 2048) -> None:
        setting = directory / "results/bench/rhm/v10_m3_s2_L3"
        cell = setting / "P4096/g0d0n0"
        self.grammar = setting / "grammar_g0.safetensors"
        self.dataset, self.output = cell / "dataset.safetensors", cell / "measurements.parquet"
        self.samples = [cell / f"samples/step{2**step}.safetensors" for step in range(steps)]
        make_grammar(_spec("grammar", RandomGrammar(v=10, m=3, s=2, L=3, seed=0)), self.grammar)
        make_dataset(_spec("dataset", _data()), data, [self.grammar], self.dataset)
        source = StringSource.of_seeds(load_grammar(self.grammar)[0], 0, 1, strings, strings)
        for number, path in enumerate(self.samples):
            stamp = make_stamp("samples", _spec("sample", NoSettings()), {})
            stamp |= {"step": 2**number, "control": {"control": f"{number}"}}
            tokens = source.training(number * strings, (number + 1) * strings)
            write_tensors(path, {"tokens": tokens[None]}, stamp)

    def measure(self) -> None:
        """The stage, as a job runs it."""
        settings = Measurement(
            jackknife_blocks=32, random_halves=4, bootstrap_samples=500, largest_error=0.25
        )
        inputs = self.dataset, self.samples, self.output
        measure(_spec("measure", settings), measures, [self.grammar], *inputs)

    def check_and_measure(self) -> None:
        """The stage after its inputs were compared, as a job does before."""
        gather_lineage([self.grammar, self.dataset, *self.samples], [self.output])
        self.measure()


def contests(steps: int = 12, cells: int = _PAPER) -> Iterator[Contest]:
    """Lines of the table."""
    with tempfile.TemporaryDirectory() as directory:
        one = Trajectory(Path(directory), steps)
        sides = one.check_and_measure, lambda: unchecked(one.measure)
        yield _contest(f"measure {steps} checkpoints", sides, steps, "checkpoints")
    with tempfile.TemporaryDirectory() as directory:
        grid = Grid(Path(directory) / "results/bench/rhm/v16_m4_s2_L3", cells, cells)
        jobs = (
            partial(_aggregate, grid, "pipeline"),
            partial(_aggregate, grid, unchecked.__module__),
        )
        yield _contest(f"aggregate tables of {cells} cells", jobs, cells, "cells", _NOTE)


def _contest(
    what: str,
    sides: tuple[Callable[[], None], Callable[[], None]],
    amount: int,
    unit: str,
    note: str = "",
) -> Contest:
    checked, alone = sides
    named = Side("all checked", checked), Side("the same, nothing checked", alone)
    return Contest(what, *named, amount, unit, GOAL, note)


def _aggregate(grid: Grid, module: str) -> None:
    """Run stage `aggregate` as a job, by the command line or by the one that checks nothing."""
    spec = make_spec("aggregate", "rhm", grid.spec.settings)
    command = [sys.executable, "-m", module, "aggregate", "--spec", spec, "--parts"]
    subprocess.run(
        [*command, *grid.parts, "--losses", grid.losses, "--ceilings", "--output", grid.output],
        check=True,
    )


def _spec(stage: str, settings: Section) -> Spec:
    return Spec(stage, "rhm", settings, {"stage": stage, "settings": settings.plain()})


def _data() -> DatasetSettings:
    setting = {"v": 10, "m": 3, "s": 2, "L": 3}
    cell = {"setting": setting, "dataset_size": "4096", "replicas": [[0, 0, 0]]}
    sizes = {"training_size": 4096, "validation_size": 2048, "test_size": 2048}
    return DatasetSettings.model_validate({**sizes, "cell": cell})
