"""Noise, network and optimiser of masked diffusion on text, as the settings name them (MD4)."""

from torch.optim import Optimizer

from pipeline.base.randomness import stream_key
from pipeline.networks.transformer import Transformer
from pipeline.noise.absorbing import ContinuousAbsorbingNoise
from pipeline.text.settings import TrainSettings
from pipeline.training.optimizers import Schedule, adamw, warmup_cosine

TRAINED: type[TrainSettings] = TrainSettings


def replica_keys(settings: TrainSettings) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    replicas = settings.cell.replicas
    return [stream_key("text", replica.data_seed, replica.network_seed) for replica in replicas]


def build_noise(settings: TrainSettings) -> ContinuousAbsorbingNoise:
    """Forward process of the `train` settings."""
    return ContinuousAbsorbingNoise(settings.symbols)


def build_network(settings: TrainSettings) -> Transformer:
    """Untrained network of the `train` settings, of the one replica that they name."""
    noise, (key,) = build_noise(settings), replica_keys(settings)
    return Transformer(
        seed=key,
        input_symbols=noise.input_symbols,
        symbols=noise.symbols,
        **dict(settings.network),
    )


def build_optimizer(network: Transformer, settings: TrainSettings) -> tuple[Optimizer, Schedule]:
    """AdamW with warm-up and a cosine."""
    training = settings.training
    return adamw(network, training), warmup_cosine(training.cosine_steps, training.warmup_steps)
