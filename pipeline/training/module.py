"""The Lightning module: a denoising loss for an ensemble, and its optimiser."""

from collections.abc import Callable

import torch
from lightning import LightningModule
from torch import Tensor, nn

from pipeline.errors import PipelineError
from pipeline.noise.base import NoiseProcess
from pipeline.noise.losses import LOSSES
from pipeline.training.batches import Batch


def learning_rate_factor(steps: int, decay_from: float) -> Callable[[int], float]:
    """Schedule as a function of step: 1, then falling linearly to 0 over the end of the run."""
    start = decay_from * steps
    return lambda step: min(1.0, (steps - step) / (steps - start)) if start < steps else 1.0


class Denoising(LightningModule):
    """Trains every replica of `network` on its own batches; replicas do not interact.

    Args:
        network: ensemble with a `width`, to which the learning rate is proportional.
        noise: forward process.
        settings: `training` section of the config.
        first_step: step at which this process starts.
    """

    def __init__(
        self, network: nn.Module, noise: NoiseProcess, settings: dict, first_step: int
    ) -> None:
        super().__init__()
        self.network = network
        self._noise, self._settings, self._first_step = noise, settings, first_step
        self._loss = LOSSES[settings["loss"]]

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Sum over replicas of the mean loss, so that each replica has its own gradient."""
        step, *tensors = batch
        x0, t, uniforms = (self._share(tensor) for tensor in tensors)
        xt = self._noise.corrupt(x0, t, uniforms)
        losses = self._loss(self._noise, self.network(xt, t), x0, xt, t).mean(dim=1)
        if not torch.isfinite(losses).all():
            rate = self.optimizers().param_groups[0]["lr"] / self.network.width
            raise PipelineError(
                f"training: loss of replicas {losses.tolist()} is not finite at step {step}, "
                f"learning rate {rate:g}; lower training.learning_rate"
            )
        return losses.sum()

    def _share(self, tensor: Tensor) -> Tensor:
        """Strings of a batch [R, B, ...] that are this process's; equal shares, as means are taken.

        Raises:
            PipelineError: the batch cannot be shared equally.
        """
        processes, size = self.trainer.world_size, tensor.shape[1]
        if size % processes:
            raise PipelineError(
                f"training: {processes} processes cannot share training.batch_size = {size}; "
                "choose a divisor of it"
            )
        return tensor.chunk(processes, dim=1)[self.trainer.global_rank]

    def configure_optimizers(self) -> dict:
        """SGD with momentum at `learning_rate` times the width."""
        settings = self._settings
        optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=settings["learning_rate"] * self.network.width,
            momentum=settings["momentum"],
            fused=True,
        )
        factor = learning_rate_factor(settings["steps"], settings["decay_from"])
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda done: factor(self._first_step + done)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
