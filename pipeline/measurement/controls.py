"""Stage `controls`: real data, and data like them up to a known length, in place of samples.

They are kept as samples, so that every stage that reads samples can read them too.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pipeline.artifacts.tensors import make_stamp, read_stamp, write_tensors


def make_controls(spec: dict, part: ModuleType, source: Path, controls: Sequence[Path]) -> None:
    """Make the controls of a setting.

    Args:
        spec: spec of the stage.
        part: the domain's `controls` part.
        source: the domain's data, an artifact of the kind `part.SOURCE`.
        controls: one for each control in the part's order, with `tokens` [1, N, d]. The stamp's
            `control` has the columns that say which it is.
    """
    inputs = {source.name: read_stamp(source, part.SOURCE)["sha256"]}
    made = part.controls(source, spec["settings"])
    for path, (columns, tokens) in zip(controls, made, strict=True):
        stamp = make_stamp("samples", spec, inputs) | {"control": columns}
        write_tensors(path, {"tokens": tokens[None]}, stamp)
