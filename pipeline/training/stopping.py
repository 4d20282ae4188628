"""Stop a run before its job is ended: ahead of the batch system's time limit, and when it is told.

Slurm sends SIGTERM when it preempts, requeues or cancels a job, and SIGKILL a little later. Ctrl-C
sends SIGINT to all processes of a terminal, so to training and to the snakemake that started it.
"""

import os
import re
import signal
import subprocess
import sys
import time

from lightning import Callback, LightningModule, Trainer

from pipeline.slurm.environment import slurm_environment

_RESERVE = 0.1
_LEAST_RESERVE, _MOST_RESERVE = 15.0, 600.0
"""Share of the time left that is kept for saving and leaving, and its bounds in seconds."""
_NO_LIMIT = "UNLIMITED"


class Stopping(Callback):
    """Ends training after the current step once time is short or a signal to end has come.

    Attributes:
        reason: why training was ended early; empty if it was not.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._terminated = False
        left = seconds_left()
        self._deadline = None if left is None else time.monotonic() + left - _reserve(left)

    def on_train_start(self, _trainer: Trainer, _module: LightningModule) -> None:
        """Take signals from Lightning: it communicates at SIGTERM, and does not save at SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._terminate)

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Stop in all processes if one has to."""
        late = self._deadline is not None and time.monotonic() > self._deadline
        if trainer.strategy.reduce_boolean_decision(late or self._terminated, all=False):
            trainer.should_stop = True
            self.reason = "its time limit is near" if late else "it was told to end"

    def _terminate(self, *_: object) -> None:
        self._terminated = True


def _reserve(left: float) -> float:
    return min(max(_RESERVE * left, _LEAST_RESERVE), _MOST_RESERVE)


def seconds_left() -> float | None:
    """Seconds until Slurm ends the job that this process runs in; None outside a job."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return None
    shown = ["--noheader", "--all", "--states", "all", "--format", "%L"]
    local = {n: value for n, value in os.environ.items() if not n.endswith("_CLUSTERS")}
    try:
        answer = subprocess.run(
            ["squeue", *shown, "--jobs", job], env=slurm_environment(local),
            capture_output=True, text=True, errors="replace", check=True, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        print(f"warning: time limit unknown, squeue failed: {error}", file=sys.stderr)
        return None
    left = answer.stdout.strip()
    if left != _NO_LIMIT and parse_time_left(left) is None:
        print(f"warning: time limit unknown, squeue says {left!r} of job {job}", file=sys.stderr)
    return parse_time_left(left)


def parse_time_left(text: str) -> float | None:
    """Seconds of Slurm's [days-][[hours:]minutes:]seconds; None for UNLIMITED and the like."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds
