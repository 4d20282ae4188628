"""Noise, network and optimiser of Improved DDPM on images, as the settings name them."""

from torch.optim import Optimizer

from pipeline.base.randomness import stream_key
from pipeline.base.types import Settings
from pipeline.networks.unet2d import UNet2d
from pipeline.noise.gaussian import GaussianNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.training.optimizers import Schedule, adamw, warmup_constant


def replica_keys(settings: Settings) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    seeds = settings["cell"]["replicas"]
    return [stream_key("image", data_seed, network_seed) for _, data_seed, network_seed in seeds]


def build_noise(settings: Settings) -> GaussianNoise:
    """Forward process of the `train` settings."""
    noise = settings["noise"]
    return GaussianNoise(alpha_bar(noise["schedule"], noise["levels"]))


def build_network(settings: Settings) -> UNet2d:
    """Untrained network of the `train` settings, of the one replica that they name."""
    (key,) = replica_keys(settings)
    return UNet2d(
        seed=key,
        levels=settings["noise"]["levels"],
        size=settings["size"],
        **settings["network"],
    )


def build_optimizer(network: UNet2d, training: Settings) -> tuple[Optimizer, Schedule]:
    """AdamW at a constant rate, after a warm-up if there is to be one."""
    return adamw(network, training), warmup_constant(training["warmup_steps"])
