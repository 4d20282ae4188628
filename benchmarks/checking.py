"""Stages that read artifacts, with every byte and the lineage checked, and without."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from benchmarks.contest import Contest, Side
from benchmarks.tables import Grid
from pipeline.artifacts import streams, tables, tensors
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

_NOTE = (
    "0.1 to 0.2 ms a table go into hashes of its 20 kB, its seal and its lineage; the paper's 188 "
    "cells take 0.2 s in all"
)
GOAL = 0.95
"""Speed of stages that check, over that of stages that do not."""


class Everything(str):
    """A hash that equals that of any content."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False


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


def contests(steps: int = 12, cells: int = 1000) -> Iterator[Contest]:
    """Lines of the table."""
    with tempfile.TemporaryDirectory() as directory:
        one = Trajectory(Path(directory), steps)
        what = f"measure {steps} checkpoints"
        yield _contest(what, one.check_and_measure, one.measure, steps, "checkpoints")
    with tempfile.TemporaryDirectory() as directory:
        grid = Grid(Path(directory) / "results/bench/rhm/v16_m4_s2_L3", cells, cells)

        def check_and_aggregate() -> None:
            gather_lineage(grid.parts, [grid.output])
            grid.aggregate()

        what = f"aggregate tables of {cells} cells"
        yield _contest(what, check_and_aggregate, grid.aggregate, cells, "cells", _NOTE)


def unchecked(run: Callable[[], None]) -> None:
    """Run a stage whose readers look at no hash."""
    with ExitStack() as patches:
        for module in (tensors, tables, streams):
            patches.enter_context(patch.object(module, "_content_hash", _any_content))
        for module in (tensors, tables):
            patches.enter_context(patch.object(module, "check_seal", lambda _: None))
        run()


def _contest(
    what: str,
    checked: Callable[[], None],
    alone: Callable[[], None],
    amount: int,
    unit: str,
    note: str = "",
) -> Contest:
    sides = (
        Side("all checked", checked),
        Side("the same, nothing checked", lambda: unchecked(alone)),
    )
    return Contest(what, *sides, amount, unit, GOAL, note)


def _any_content(*_: object) -> str:
    return Everything("0" * 64)


def _spec(stage: str, settings: Section) -> Spec:
    return Spec(stage, "rhm", settings, {"stage": stage, "settings": settings.plain()})


def _data() -> DatasetSettings:
    setting = {"v": 10, "m": 3, "s": 2, "L": 3}
    cell = {"setting": setting, "dataset_size": "4096", "replicas": [[0, 0, 0]]}
    sizes = {"training_size": 4096, "validation_size": 2048, "test_size": 2048}
    return DatasetSettings.model_validate({**sizes, "cell": cell})
