"""Noise, network and optimiser of Improved DDPM on images, as the settings name them."""

from torch.optim import Optimizer

from pipeline.base.randomness import stream_key
from pipeline.image.settings import TrainSettings
from pipeline.networks.unet2d import UNet2d
from pipeline.noise.gaussian import GaussianNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.training.optimizers import Schedule, adamw, warmup_constant

TRAINED: type[TrainSettings] = TrainSettings


def replica_keys(settings: TrainSettings) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    replicas = settings.cell.replicas
    return [stream_key("image", replica.data_seed, replica.network_seed) for replica in replicas]


def build_noise(settings: TrainSettings) -> GaussianNoise:
    """Forward process of the `train` settings."""
    noise = settings.noise
    return GaussianNoise(alpha_bar(noise.schedule, noise.noise_levels))


def build_network(settings: TrainSettings) -> UNet2d:
    """Untrained network of the `train` settings, of the one replica that they name."""
    (key,) = replica_keys(settings)
    levels = settings.noise.noise_levels
    return UNet2d(seed=key, levels=levels, size=settings.size, **dict(settings.network))


def build_optimizer(network: UNet2d, settings: TrainSettings) -> tuple[Optimizer, Schedule]:
    """AdamW at a constant rate, after a warm-up if there is to be one."""
    return adamw(network, settings.training), warmup_constant(settings.training.warmup_steps)
