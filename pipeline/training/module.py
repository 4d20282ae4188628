"""The Lightning module: a denoising loss for an ensemble, and its optimiser."""

import torch
from lightning import LightningModule
from torch import Tensor, nn

from pipeline.errors import PipelineError
from pipeline.noise.base import NoiseProcess
from pipeline.noise.losses import Loss
from pipeline.training.batches import Batch
from pipeline.training.optimizers import Schedule


class Denoising(LightningModule):
    """Trains every replica of `network` on its own batches; replicas do not interact.

    Args:
        network: ensemble.
        noise: forward process.
        loss: per-string loss.
        optimizer: of the network's weights.
        schedule: factor of the learning rate after so many steps of the run.
        learning_rate: that of the config, for error messages.
        first_step: step at which this process starts.
    """

    def __init__(
        self,
        network: nn.Module,
        noise: NoiseProcess,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        learning_rate: float,
        first_step: int,
    ) -> None:
        super().__init__()
        self.network = network
        self._noise, self._loss, self._first_step = noise, loss, first_step
        self._optimizer, self._schedule = optimizer, schedule
        self._learning_rate = learning_rate

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Sum over replicas of the mean loss, so that each replica has its own gradient."""
        step, *tensors = batch
        x0, t, uniforms = (self._share(tensor) for tensor in tensors)
        xt = self._noise.corrupt(x0, t, uniforms)
        losses = self._loss(self._noise, self.network(xt, t), x0, xt, t).mean(dim=1)
        if not torch.isfinite(losses).all():
            rate = self._learning_rate * self._schedule(step)
            raise PipelineError(
                f"training: loss of replicas {losses.tolist()} is not finite at step {step}, "
                f"learning rate {rate:g}; lower training.learning_rate"
            )
        return losses.sum()

    def _share(self, tensor: Tensor) -> Tensor:
        """Strings of a batch [R, B, ...] that are this process's, as many as any other's."""
        return tensor.chunk(self.trainer.world_size, dim=1)[self.trainer.global_rank]

    def configure_optimizers(self) -> dict:
        """The given ones, the schedule taken up where the run is."""
        schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda done: self._schedule(self._first_step + done)
        )
        return {
            "optimizer": self._optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
