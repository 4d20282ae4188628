"""Names of the files that training keeps in its workspace. Standard library only.

The name of a checkpoint is also the path at which it is published, below the directory of the cell.
"""

import re
from collections.abc import Iterable
from pathlib import Path

PATTERN = ".work/*/"
"""Glob pattern of workspaces, from the directory of a cell."""
CURVE = "train_curve.csv"
"""Beside a training's log: its curve so far."""
CURVE_COLUMNS = ("time", "step", "last_step", "loss", "learning_rate", "steps_per_second")
"""Columns of that file: when, after which step of how many, the mean loss over batches and replicas
since the line before, the optimiser's learning rate, and the speed since the line before."""
_NAME = re.compile(r"(?:losses_|state_)?step(\d+)\.(?:safetensors|parquet)")


def checkpoint_name(step: int | str) -> str:
    """Weights after `step` steps; "*" gives the glob pattern of all, here and in those below."""
    return f"checkpoints/step{step}.safetensors"


def losses_name(step: int | str) -> str:
    """Losses after `step` steps."""
    return f"losses_step{step}.parquet"


def state_name(step: int | str) -> str:
    """What a run goes on from after `step` steps."""
    return f"state_step{step}.safetensors"


def step_of(name: str) -> int:
    """Step in the name of a checkpoint, of losses or of a state.

    Raises:
        ValueError: it is the name of something else.
    """
    if (match := _NAME.fullmatch(name)) is None:
        raise ValueError(f"{name} is not named step<k>.safetensors")
    return int(match[1])


def steps_of(paths: Iterable[Path]) -> set[int]:
    """Steps in the names of files, whatever else there may be among them."""
    return {int(match[1]) for path in paths if (match := _NAME.fullmatch(path.name))}
