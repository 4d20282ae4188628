"""Stage `train`: one trajectory of an ensemble, from initial weights to all its checkpoints."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from lightning import Callback, Trainer
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from torch.utils.data import DataLoader

from pipeline.artifacts.chosen_rows import Dataset, map_dataset
from pipeline.artifacts.tensors import make_stamp
from pipeline.artifacts.workspace import Workspace
from pipeline.base.device import choose_device
from pipeline.base.errors import PipelineError
from pipeline.base.spec import Spec
from pipeline.networks.averages import Averages
from pipeline.networks.network import Network
from pipeline.noise.losses import LOSSES
from pipeline.training.batches import Batches
from pipeline.training.curve import Curve
from pipeline.training.evaluation import LossRow, evaluate
from pipeline.training.module import Denoising
from pipeline.training.names import CURVE, step_of
from pipeline.training.parts import TrainableModel, TrainSettings
from pipeline.training.processes import keep_to_ourselves
from pipeline.training.progress import Progress
from pipeline.training.settings import Optimised
from pipeline.training.stopping import Stopping

_Network = TypeVar("_Network", bound=Network)

STATE_INTERVAL = 600.0
"""Seconds of work that a kill can cost."""


def train(
    spec: Spec[TrainSettings],
    model: TrainableModel[_Network, TrainSettings],
    sources: Sequence[Path],
    dataset: Path,
    checkpoints: Sequence[Path],
    losses: Path,
    keep_work: bool,
    processes: int = 1,
    accumulation: int = 1,
    state_interval: float = STATE_INTERVAL,
) -> None:
    """Train up to the last missing checkpoint, resuming from whatever an earlier attempt left.

    Args:
        spec: spec of the stage.
        model: the domain's `model` part.
        sources: what the data are rows of, if they are.
        dataset: artifact of the cell's data.
        checkpoints: outputs, named `step<k>.safetensors`.
        losses: output, table of losses by step, replica, split and noise level.
        keep_work: keep the resumable states after the last checkpoint.
        processes: how many train together in this job (DDP), each on a share of every batch; with
            GPUs, one per GPU. Weights do not depend on it beyond the rounding of sums.
        accumulation: parts of a process's share of a batch that are worked on one after the other,
            to save memory; weights do not depend on it either.
        state_interval: seconds between two resumable states.

    Raises:
        PipelineError: the loss is not finite, a batch cannot be shared equally, or training was
            stopped early, to be resumed.
    """
    keep_to_ourselves(processes)
    settings, data = spec.settings, map_dataset(dataset, sources)
    training = settings.training
    _check_shares(training.batch_size, processes, accumulation)
    outputs = {step_of(path.name): path for path in checkpoints}
    noise, network = model.build_noise(settings), model.build_network(settings)
    keys, loss = model.replica_keys(settings), LOSSES[training.loss]

    def evaluate_splits() -> dict[str, list[LossRow]]:
        size = data.strings["validation"].shape[1]
        parts = {name: tokens[:, :size] for name, tokens in data.strings.items()}
        return {name: evaluate(network, noise, loss, x, keys) for name, x in parts.items()}

    identity = _identity(spec, data)
    workspace = Workspace(losses.parent, identity)
    workspace.remove_others()
    averages = Averages(training.average_decays, network, training.average_warmup)
    progress = Progress(
        workspace,
        identity,
        list(outputs),
        averages,
        evaluate_splits,
        lambda kind: make_stamp(kind, spec, data.inputs),
        state_interval,
    )
    start, stop = progress.restore(network)
    progress.record(f"from step {start} to {stop}")
    batches = Batches(
        data.strings["training"],
        keys,
        training.batch_size,
        training.trajectories,
        noise.times,
        shuffle=not settings.cell.is_online,
        low_discrepancy=training.low_discrepancy,
        first_step=start,
        device=choose_device(),
    )
    alone_on_gpu = choose_device().type == "cuda" and processes == accumulation == 1
    captured = training.compile and alone_on_gpu
    if stop > start:
        optimizer, schedule = model.build_optimizer(network, settings)
        rate, clip = training.learning_rate, training.largest_gradient
        parts = network, noise, loss, optimizer, schedule, rate, accumulation, clip
        module = Denoising(*parts, training.compile and not captured, captured)
        curve = Curve(losses.parent / "logs" / CURVE, start, stop)
        if not _fit(module, batches, stop - start, progress, curve, processes):
            return
    progress.publish(outputs, losses)
    if not keep_work:
        workspace.remove()


def _identity(spec: Spec[Optimised], data: Dataset) -> dict[str, Any]:
    """What decides the trajectory: a run never goes on from the states of another one.

    Online, strings count by what decides their order, and not by how many there are. So a run that
    is to read more of them goes on from what it has learnt from the first ones.
    """
    shared = {"spec": spec.plain, "lineage": dict(spec.lineage)}
    if not spec.settings.cell.is_online:
        return {**shared, "data": data.inputs}
    made = data.stamp["spec"]
    settings = {k: v for k, v in made["settings"].items() if k != "training_size"}
    order = {"spec": {**made, "settings": settings}, "inputs": data.stamp["inputs"]}
    return {**shared, "data": order}


def _check_shares(batch_size: int, processes: int, accumulation: int) -> None:
    if batch_size % (processes * accumulation):
        raise PipelineError(
            f"training: training.batch_size = {batch_size} cannot be shared equally by "
            f"{processes} processes x {accumulation} parts; choose a divisor of it"
        )


def _fit(
    module: Denoising,
    batches: Batches,
    steps: int,
    progress: Progress,
    curve: Curve,
    processes: int,
) -> bool:
    """Train, and return whether this process is the one that publishes.

    Only that process fails if training was stopped: if another one failed, Lightning would kill
    the first, even while it saves.
    """
    last, stopping = progress.done + steps, Stopping()
    trainer = build_trainer(steps, [progress, curve, stopping], processes)
    trainer.fit(module, DataLoader(batches, batch_size=None))
    if progress.done < last and trainer.is_global_zero:
        stopped = f"stopped after step {progress.done} of {last}, as {stopping.reason}"
        progress.record(stopped)
        raise PipelineError(
            f"training: {stopped}; resume me by running snakemake again, if its retries do not"
        )
    return trainer.is_global_zero


def build_trainer(steps: int, callbacks: list[Callback], processes: int = 1) -> Trainer:
    """Lightning's trainer for so many steps, which leaves all but the loop to us."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    return Trainer(
        max_epochs=1,
        limit_train_batches=steps,
        accelerator=choose_device().type,
        devices=processes,
        strategy="ddp" if processes > 1 else "auto",
        callbacks=callbacks,
        plugins=[LightningEnvironment()],  # Slurm is Snakemake's business
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
