"""Stage `dataset`: training, validation and test sets of every replica of a cell."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pipeline import artifacts


def make_dataset(spec: dict, data: ModuleType, sources: Sequence[Path], output: Path) -> None:
    """Build and save a cell's data.

    Args:
        spec: spec of the stage.
        data: the domain's `data` part.
        sources: the domain's source artifacts, one per replica.
        output: safetensors file with `training` [R, P, d], `validation` and `test` [R, N, d].
    """
    tensors, inputs = data.build(spec["settings"], sources)
    artifacts.write_tensors(output, tensors, artifacts.make_stamp("dataset", spec, inputs))
