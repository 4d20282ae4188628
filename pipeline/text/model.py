"""Noise, network and optimiser of masked diffusion on text, as the settings name them (MD4)."""

from torch.optim import Optimizer

from pipeline.base.randomness import stream_key
from pipeline.base.types import Settings
from pipeline.networks.transformer import Transformer
from pipeline.noise.absorbing import ContinuousAbsorbingNoise
from pipeline.training.optimizers import Schedule, adamw, warmup_cosine


def replica_keys(settings: Settings) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    seeds = settings["cell"]["replicas"]
    return [stream_key("text", data_seed, network_seed) for _, data_seed, network_seed in seeds]


def build_noise(settings: Settings) -> ContinuousAbsorbingNoise:
    """Forward process of the `train` settings."""
    return ContinuousAbsorbingNoise(settings["symbols"])


def build_network(settings: Settings) -> Transformer:
    """Untrained network of the `train` settings, of the one replica that they name."""
    noise, (key,) = build_noise(settings), replica_keys(settings)
    return Transformer(
        seed=key,
        input_symbols=noise.input_symbols,
        symbols=noise.symbols,
        **settings["network"],
    )


def build_optimizer(network: Transformer, training: Settings) -> tuple[Optimizer, Schedule]:
    """AdamW with warm-up and a cosine."""
    return adamw(network, training), warmup_cosine(
        training["cosine_steps"], training["warmup_steps"]
    )
