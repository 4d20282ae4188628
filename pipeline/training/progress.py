"""What a training run leaves behind: checkpoints and losses at given steps, resumable states."""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from pipeline.artifacts import streams, tables
from pipeline.artifacts.files import naming_failures, remove
from pipeline.artifacts.tensors import Artifact, read_tensors, refusal, write_tensors
from pipeline.artifacts.workspace import Workspace
from pipeline.base.errors import PipelineError
from pipeline.networks.averages import Averages
from pipeline.networks.finite import first_not_finite
from pipeline.training.evaluation import LossRow
from pipeline.training.module import Denoising
from pipeline.training.names import checkpoint_name, losses_name, state_name, steps_of
from pipeline.training.state import pack, to_arrays, unpack_optimizer, unpack_weights

_KEPT_STATES = 2
"""The last state, and the one before it in case the last turns out to be broken."""
HISTORY = "history.txt"
"""File in the workspace with a line for the start of every attempt, and for its stop."""

Evaluate = Callable[[], dict[str, list[LossRow]]]
"""Returns the loss rows of each split."""


class Progress(Callback):
    """Saves checkpoints, losses and states into a workspace, and restores a run from it.

    Of several processes that train together, the first one saves. Weights and losses that are not
    finite are refused: whatever was saved is good to go on from and to sample.

    Args:
        workspace: where everything is kept.
        identity: of the trajectory, as JSON: a run does not go on from states with another one.
        steps: numbers of steps after which weights are saved and losses taken.
        averages: of the network's weights, kept up to date and saved with them.
        evaluate: losses of the network as it is.
        stamp: makes the stamp of an artifact of the given kind.
        state_interval: seconds between two states.

    Attributes:
        done: steps done so far, by this and earlier attempts.
    """

    def __init__(
        self,
        workspace: Workspace,
        identity: Mapping[str, Any],
        steps: Sequence[int],
        averages: Averages,
        evaluate: Evaluate,
        stamp: Callable[[str], dict[str, Any]],
        state_interval: float,
    ) -> None:
        self.done = 0
        self._workspace, self._identity = workspace, identity
        self._steps, self._evaluate = set(steps), evaluate
        self._stamp, self._state_interval, self._averages = stamp, state_interval, averages
        self._restored: dict[str, Any] = {}
        self._state_step = 0
        self._saved_at = self._resumed_at = time.monotonic()
        self._steps_since = 0

    def restore(self, network: nn.Module) -> tuple[int, int]:
        """Load into `network` the last state that is whole and before every missing checkpoint.

        Returns:
            The step to start from, 0 for a new run, and the step to train to: that of the last
            checkpoint still missing, or 0 if none is.
        """
        missing = [step for step in self._steps if not self._has_checkpoint(step)]
        for step in self._state_steps() if missing else []:
            if step < min(missing) and (state := self._read_state(step)):
                unpack_weights(network, self._averages, state.tensors)
                self._restored = state.tensors
                self.done = self._state_step = step
                break
        return self.done, max(missing, default=0)

    def _state_steps(self) -> list[int]:
        """Steps of the states there are, latest first."""
        return sorted(steps_of(self._workspace.paths(state_name("*"))), reverse=True)

    def _read_state(self, step: int) -> Artifact | None:
        """A state of this very run; one that is not, or is broken, is skipped with a warning."""
        path, kind = self._workspace.path(state_name(step)), "training state"
        try:
            state = read_tensors(path, kind)
            for key, value in {**self._identity, "step": step}.items():
                if state.stamp.get(key) != value:
                    raise refusal(path, f"is of another {key}")
        except PipelineError as error:
            reason = str(error).partition(";")[0]
            print(f"warning: {reason}; skipped for the state before it", file=sys.stderr)
            remove(path)
            return None
        return state

    @rank_zero_only
    def record(self, event: str) -> None:
        """Add a line to the history of attempts in the workspace, and to the log."""
        print(f"training: {event}", file=sys.stderr)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        path = self._workspace.path(HISTORY)
        with naming_failures(path), path.open("a") as file:
            file.write(f"{now} {event}\n")

    def on_fit_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Give the optimiser its state back, and start the clock."""
        self._resumed_at = time.monotonic()
        self._averages.to(module.device)
        unpack_optimizer(_network(module), trainer.optimizers[0], self._restored)
        self._restored = {}

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: object) -> None:
        """Save what is due after this step."""
        self.done += 1
        self._averages.update(_network(module), self.done)
        self._steps_since += 1
        if not trainer.is_global_zero:
            return
        if self.done in self._steps:
            self._save_losses(trainer)
            self._save_checkpoint(_network(module))
        if self.done in self._steps or time.monotonic() - self._saved_at > self._state_interval:
            self._save_state(trainer, module)
        if self.done in self._steps:
            self._resumed_at, self._steps_since = time.monotonic(), 0

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Save where training ended, at the last checkpoint or before it."""
        if trainer.is_global_zero:
            self._save_state(trainer, module)

    def _save_losses(self, trainer: Trainer) -> None:
        speed = self._steps_since / (time.monotonic() - self._resumed_at)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        common = {"step": self.done, "optimizer_learning_rate": rate, "steps_per_second": speed}
        losses = [(split, row) for split, part in self._evaluate().items() for row in part]
        if bad := sorted({row.replica for _, row in losses if not math.isfinite(row.loss)}):
            raise self._diverged(f"loss of replicas {bad}")
        rows = [{**common, "split": split, **asdict(row)} for split, row in losses]
        path = self._workspace.path(losses_name(self.done))
        tables.write_table(path, pd.DataFrame(rows), self._stamp("losses"))

    def _save_checkpoint(self, network: nn.Module) -> None:
        stamp = {**self._stamp("checkpoint"), "step": self.done}
        arrays = to_arrays({**network.state_dict(), **self._averages.tensors})
        self._write(self._workspace.path(checkpoint_name(self.done)), arrays, stamp)

    def _save_state(self, trainer: Trainer, module: LightningModule) -> None:
        if self.done <= self._state_step:
            return
        arrays = pack(_network(module), self._averages, trainer.optimizers[0])
        stamp = {**self._stamp("training state"), **self._identity, "step": self.done}
        self._write(self._workspace.path(state_name(self.done)), arrays, stamp)
        self._saved_at, self._state_step = time.monotonic(), self.done
        earlier = [step for step in self._state_steps() if step <= self.done]
        for step in earlier[_KEPT_STATES:]:
            self._workspace.path(state_name(step)).unlink()

    def _write(
        self, path: Path, arrays: Mapping[str, np.ndarray], stamp: Mapping[str, Any]
    ) -> None:
        """Write weights that are finite: from others no run can go on, and nothing be sampled."""
        if (name := first_not_finite(arrays)) is not None:
            raise self._diverged(name)
        write_tensors(path, arrays, stamp)

    def _diverged(self, culprit: str) -> PipelineError:
        return PipelineError(
            f"training: {culprit} is not finite after step {self.done}; "
            "lower training.learning_rate"
        )

    def _has_checkpoint(self, step: int) -> bool:
        """Whether a checkpoint and its losses are there and whole."""
        try:
            tables.read_table(self._workspace.path(losses_name(step)), "losses")
        except PipelineError:
            return False
        path, of_step = self._workspace.path(checkpoint_name(step)), {"step": step}
        return streams.is_whole(path, "checkpoint", {"spec": self._identity["spec"], **of_step})

    def publish(self, checkpoints: Mapping[int, Path], losses: Path) -> None:
        """Put checkpoints, and the losses taken at them, at their declared places."""
        for step, output in checkpoints.items():
            self._workspace.publish(checkpoint_name(step), output)
        parts = [self._workspace.path(losses_name(step)) for step in sorted(self._steps)]
        tables.write_table(losses, tables.read_tables(parts, "losses"), self._stamp("losses"))


def _network(module: LightningModule) -> nn.Module:
    """The network that is trained; Lightning's own class does not know that there is one."""
    return cast("Denoising", module).network
