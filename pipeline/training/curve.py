"""The curve of a training while it runs, for people and plots; nothing is computed from it."""

import csv
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from lightning import Callback, LightningModule, Trainer

from pipeline.artifacts.files import naming_failures
from pipeline.training.module import Denoising
from pipeline.training.names import CURVE_COLUMNS

_FIRST, _INTERVAL = 10.0, 60.0
"""Seconds until the first point, and between others."""


class Curve(Callback):
    """Adds a line to a CSV file once a minute, and a point for TensorBoard where it is installed.

    A resumed training goes on with the file, so that steps after the state that it resumed from
    stand there twice, at different times. The first of several processes writes.

    Args:
        path: of the CSV file; TensorBoard's are in the directory `tensorboard` beside it.
        start: step that this attempt starts from.
        stop: step that the training ends at.
    """

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self._path, self._start, self._step, self._stop = path, start, start, stop
        self._due, self._told_at, self._told_step = 0.0, 0.0, start
        self._board: Any = None

    def on_fit_start(self, *_: object) -> None:
        """Start the clock."""
        self._start_clock()

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: object) -> None:
        """Add a point if it is time."""
        self._step += 1
        if self._step == self._start + 1 < self._stop:
            self._start_clock()  # anew: in its first step, training compiles and loads libraries
        elif time.monotonic() > self._due and trainer.is_global_zero:
            self._add(trainer, module)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Add the last point."""
        if trainer.is_global_zero and self._step > self._told_step:
            self._add(trainer, module)
        if self._board is not None:
            self._board.close()

    def _start_clock(self) -> None:
        self._told_at, self._told_step = time.monotonic(), self._step
        self._due = self._told_at + _FIRST

    def _add(self, trainer: Trainer, module: LightningModule) -> None:
        now = time.monotonic()
        values = {
            "loss": cast("Denoising", module).take_mean_loss(),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "steps_per_second": (self._step - self._told_step) / (now - self._told_at),
        }
        when = datetime.now(UTC).isoformat(timespec="seconds")
        row = {"time": when, "step": self._step, "last_step": self._stop, **values}
        with naming_failures(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", newline="") as file:
                writer = csv.DictWriter(file, CURVE_COLUMNS)
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow(row)
        self._show(values)
        self._due, self._told_at, self._told_step = now + _INTERVAL, now, self._step

    def _show(self, values: dict[str, float]) -> None:
        try:  # late: where it is installed, it takes seconds to import
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        if self._board is None:
            self._board = SummaryWriter(f"{self._path.parent / 'tensorboard'}")
        for name, value in values.items():
            self._board.add_scalar(name, value, self._step)
