"""The Lightning module: a denoising loss for an ensemble, and its optimiser."""

import math
import sys
from collections.abc import Callable, Sequence

import torch
from lightning import LightningModule
from torch import Tensor, nn

from pipeline.base.errors import PipelineError, one_line
from pipeline.networks.network import Network
from pipeline.noise.base import NoiseProcess
from pipeline.noise.losses import Loss
from pipeline.training.batches import Batch
from pipeline.training.captured import CapturedGradients
from pipeline.training.optimizers import Schedule

_MOST_UNCHECKED = 16
"""Steps whose losses a GPU may keep to itself: to look at each would have it wait for the host."""


class Denoising(LightningModule):
    """Trains every replica of `network` on its own batches; replicas do not interact.

    Optimisation is manual, in Lightning's sense: what Lightning would do around a step of ours
    costs as much as a tenth of the step itself (benchmarks/training.py).

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
        compile_losses: whether noise, network and loss are to be compiled, as one function.
        capture: whether their gradients are then to be one CUDA graph; only on a GPU, in one
            process and one part.
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
        compile_losses: bool = False,
        capture: bool = False,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self._noise, self._loss = noise, loss
        self._optimizer, self._schedule = optimizer, schedule
        self._learning_rate, self._parts, self._clip = learning_rate, parts, gradient_clip
        self._full_rates = [group["lr"] for group in optimizer.param_groups]
        self._compile, self._capture = compile_losses, capture
        self._captured: CapturedGradients | None = None
        self._differentiable: Callable[..., Tensor] = self._losses
        self._unchecked: list[tuple[int, Tensor]] = []
        self._loss_sum, self._losses_seen = 0.0, 0

    def training_step(self, batch: Batch, _index: int) -> None:
        """One step of the optimiser, on the mean gradient over the batch of each replica."""
        step, *tensors = batch
        if self._capture:
            self._captured, self._capture = self._captured_gradients(tensors), False
        if self._captured is not None:
            self._check(step, self._captured(tensors))
        else:
            self._differentiate(step, tensors)
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._clip)
        for group, full in zip(self._optimizer.param_groups, self._full_rates, strict=True):
            group["lr"] = full * self._schedule(step)
        self._optimizer.step()

    def _differentiate(self, step: int, tensors: Sequence[Tensor]) -> None:
        """Sum up the gradients of this process's share of a batch, part by part."""
        self._optimizer.zero_grad()
        shares = (self._share(tensor).chunk(self._parts, dim=1) for tensor in tensors)
        for part in zip(*shares, strict=True):
            if self._compile:
                self._differentiable, self._compile = self._compiled_losses(part), False
            losses = self._differentiable(*part)
            self._check(step, losses.detach())
            total = losses.sum()
            self.manual_backward(total / self._parts if self._parts > 1 else total)

    def _compiled_losses(self, example: Sequence[Tensor]) -> Callable[..., Tensor]:
        """The losses compiled, with their gradients, or else as they are."""
        compiled = torch.compile(self._losses, dynamic=False)
        try:
            torch.autograd.grad(compiled(*example).sum(), list(self.network.parameters()))
        except Exception as error:  # whatever a compiler fails with, or that there is none
            print(f"warning: training: not compiled, {one_line(error)}", file=sys.stderr)
            return self._losses
        return compiled

    def _captured_gradients(self, example: Sequence[Tensor]) -> CapturedGradients | None:
        """Gradients of the compiled losses, or else of the losses as they are, or else none."""
        for losses in (torch.compile(self._losses, dynamic=False), self._losses):
            try:
                return CapturedGradients(losses, self.network.parameters(), example)
            except Exception as error:  # whatever a compiler fails with
                print(f"warning: training: no CUDA graph, {one_line(error)}", file=sys.stderr)
        return None

    def _check(self, step: int, losses: Tensor) -> None:
        """Refuse losses that are no numbers, on a GPU together with those of the steps before."""
        self._unchecked.append((step, losses))
        if losses.is_cuda and len(self._unchecked) < _MOST_UNCHECKED:
            return
        for of_step, values in self._unchecked:
            total = values.sum().item()
            if not math.isfinite(total):
                raise self._diverged(of_step, values)
            self._loss_sum += total / len(values)
            self._losses_seen += 1
        self._unchecked.clear()

    def take_mean_loss(self) -> float:
        """Mean loss of the steps since the last call, over replicas; NaN if none was looked at."""
        mean = self._loss_sum / self._losses_seen if self._losses_seen else math.nan
        self._loss_sum, self._losses_seen = 0.0, 0
        return mean

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
