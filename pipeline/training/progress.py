"""What a training run leaves behind: checkpoints at given steps, losses, and a resumable state."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning import Callback, LightningModule, Trainer
from torch import nn

from pipeline import artifacts
from pipeline.training.batches import Batch
from pipeline.training.evaluation import LossRow
from pipeline.workspace import Workspace

_STATE = "state.safetensors"
_LOSSES = "losses.csv"
_MOMENTUM = "momentum/"
_WEIGHT = "weight/"

Evaluate = Callable[[], dict[str, list[LossRow]]]
"""Returns the loss rows of each split."""


class Progress(Callback):
    """Saves checkpoints, losses and state into a workspace, and restores a run from it.

    Args:
        workspace: where everything is kept.
        steps: numbers of steps after which weights are saved and losses taken.
        evaluate: losses of the network as it is.
        stamp: makes the stamp of an artifact of the given kind.
        state_interval: seconds between two states.
    """

    def __init__(
        self,
        workspace: Workspace,
        steps: Sequence[int],
        evaluate: Evaluate,
        stamp: Callable[[str], dict],
        state_interval: float,
    ) -> None:
        self._workspace, self._steps, self._evaluate = workspace, set(steps), evaluate
        self._stamp, self._state_interval = stamp, state_interval
        self._momentum: dict[str, torch.Tensor] = {}
        self._rows: list[dict] = []
        self._state_step = 0
        self._saved_at = self._resumed_at = time.monotonic()
        self._steps_since = 0

    def restore(self, network: nn.Module) -> tuple[int, int]:
        """Load the last state into `network` if no wanted checkpoint before it is missing.

        Returns:
            The step to start from, 0 for a new run, and the step to train to: that of the last
            checkpoint still missing, or 0 if none is.
        """
        missing = [step for step in self._steps if not self._has_checkpoint(step)]
        if self._workspace.path(_LOSSES).exists():
            losses = pd.read_csv(self._workspace.path(_LOSSES))
            self._rows = losses[~losses["step"].isin(missing)].to_dict("records")
        path = self._workspace.path(_STATE)
        if missing and artifacts.is_whole(path, "training state"):
            state = artifacts.read_tensors(path, "training state")
            self._state_step = state.stamp["step"]
            if min(missing) > self._state_step:
                self._load(network, state.tensors)
                return self._state_step, max(missing)
        return 0, max(missing, default=0)

    def _load(self, network: nn.Module, arrays: dict[str, np.ndarray]) -> None:
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        network.load_state_dict(_strip(tensors, _WEIGHT))
        self._momentum = _strip(tensors, _MOMENTUM)

    def on_fit_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Give the optimiser its momentum back, and start the clock."""
        self._resumed_at = time.monotonic()
        optimizer = trainer.optimizers[0]
        for name, parameter in module.network.named_parameters():
            if name in self._momentum:
                buffer = self._momentum[name].to(parameter.device)
                optimizer.state[parameter]["momentum_buffer"] = buffer

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, _outputs: object, batch: Batch, _index: int
    ) -> None:
        """Save what is due after this step."""
        done = batch[0] + 1
        self._steps_since += 1
        due = time.monotonic() - self._saved_at > self._state_interval
        if done in self._steps:
            self._take_losses(done, trainer)
            self._save_checkpoint(done, module.network)
        if done > self._state_step and (done in self._steps or due):
            self._save_state(done, module.network, trainer.optimizers[0])
        if done in self._steps:
            self._resumed_at, self._steps_since = time.monotonic(), 0

    def _take_losses(self, done: int, trainer: Trainer) -> None:
        speed = self._steps_since / (time.monotonic() - self._resumed_at)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        common = {"step": done, "optimizer_learning_rate": rate, "steps_per_second": speed}
        self._rows = [row for row in self._rows if row["step"] != done]
        for split, rows in self._evaluate().items():
            self._rows += [{**common, "split": split, **asdict(row)} for row in rows]
        with artifacts.replacing(self._workspace.path(_LOSSES)) as temporary:
            pd.DataFrame(self._rows).sort_values("step", kind="stable").to_csv(
                temporary, index=False
            )

    def _save_checkpoint(self, done: int, network: nn.Module) -> None:
        stamp = {**self._stamp("checkpoint"), "step": done}
        path = self._workspace.path(checkpoint_name(done))
        artifacts.write_tensors(path, _arrays(network.state_dict()), stamp)

    def _save_state(self, done: int, network: nn.Module, optimizer: torch.optim.SGD) -> None:
        momentum = {
            _MOMENTUM + name: optimizer.state[parameter]["momentum_buffer"]
            for name, parameter in network.named_parameters()
        }
        weights = {_WEIGHT + name: tensor for name, tensor in network.state_dict().items()}
        stamp = {**self._stamp("training state"), "step": done}
        path = self._workspace.path(_STATE)
        artifacts.write_tensors(path, _arrays({**weights, **momentum}), stamp)
        self._saved_at, self._state_step = time.monotonic(), done

    def _has_checkpoint(self, step: int) -> bool:
        return artifacts.is_whole(self._workspace.path(checkpoint_name(step)), "checkpoint")

    def publish(self, checkpoints: dict[int, Path], losses: Path) -> None:
        """Put checkpoints, and the losses taken at them, at their declared places."""
        for step, output in checkpoints.items():
            self._workspace.publish(checkpoint_name(step), output)
        frame = pd.read_csv(self._workspace.path(_LOSSES))
        with artifacts.replacing(losses) as temporary:
            frame[frame["step"].isin(self._steps)].to_csv(temporary, index=False)


def checkpoint_name(step: int) -> str:
    """File name of the checkpoint after `step` steps."""
    return f"step{step}.safetensors"


def _strip(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _arrays(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
