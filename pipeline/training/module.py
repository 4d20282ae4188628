"""The Lightning module: a denoising loss for an ensemble, and its optimiser."""

import math

import torch
from lightning import LightningModule
from torch import Tensor, nn

from pipeline.base.errors import PipelineError
from pipeline.networks.network import Network
from pipeline.noise.base import NoiseProcess
from pipeline.noise.losses import Loss
from pipeline.training.batches import Batch
from pipeline.training.optimizers import Schedule


class Denoising(LightningModule):
    """Trains every replica of `network` on its own batches; replicas do not interact.

    Optimisation is manual, in Lightning's sense: what it would do around a step of ours costs as
    much as a tenth of the step itself (benchmarks/training.py).

    Args:
        network: ensemble.
        noise: forward process.
        loss: per-string loss.
        optimizer: of the network's weights.
        schedule: factor of the learning rate after so many steps of the run.
        learning_rate: that of the config, for error messages.
        parts: into how many equal parts a process's share of a batch is cut, for gradients to be
            summed over.
        gradient_clip: largest norm of all gradients together; none for no limit.
    """

    def __init__(
        self,
        network: Network,
        noise: NoiseProcess,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        learning_rate: float,
        parts: int,
        gradient_clip: float | None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self._noise, self._loss = noise, loss
        self._optimizer, self._schedule = optimizer, schedule
        self._learning_rate, self._parts, self._clip = learning_rate, parts, gradient_clip
        self._full_rates = [group["lr"] for group in optimizer.param_groups]

    def training_step(self, batch: Batch, _index: int) -> None:
        """One step of the optimiser, on the mean gradient over the batch of each replica."""
        step, *tensors = batch
        self._optimizer.zero_grad()
        shares = (self._share(tensor).chunk(self._parts, dim=1) for tensor in tensors)
        for part in zip(*shares, strict=True):
            losses = self._losses(*part)
            total = losses.sum()
            if not math.isfinite(total.item()):
                raise self._diverged(step, losses)
            self.manual_backward(total / self._parts if self._parts > 1 else total)
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._clip)
        for group, full in zip(self._optimizer.param_groups, self._full_rates, strict=True):
            group["lr"] = full * self._schedule(step)
        self._optimizer.step()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The given one."""
        return self._optimizer

    def _share(self, tensor: Tensor) -> Tensor:
        """Strings of a batch [R, B, ...] that are this process's, as many as any other's."""
        return tensor.chunk(self.trainer.world_size, dim=1)[self.trainer.global_rank]

    def _losses(self, x0: Tensor, t: Tensor, uniforms: Tensor) -> Tensor:
        """Mean loss of each replica; their sum gives each replica its own gradient."""
        xt = self._noise.corrupt(x0, t, uniforms)
        return self._loss(self._noise, self.network(xt, t), x0, xt, t).mean(dim=1)

    def _diverged(self, step: int, losses: Tensor) -> PipelineError:
        rate = self._learning_rate * self._schedule(step)
        return PipelineError(
            f"training: loss of replicas {losses.tolist()} is not finite at step {step}, "
            f"learning rate {rate:g}; lower training.learning_rate"
        )
