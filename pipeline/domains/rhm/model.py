"""Noise and network of the Random Hierarchy Model, as the settings name them."""

from torch.optim import Optimizer

from pipeline.networks.unet1d import UNet1d
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.randomness import stream_key
from pipeline.training.optimizers import Schedule, sgd


def replica_keys(settings: dict) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    return [stream_key(*triple) for triple in settings["cell"]["replicas"]]


def build_noise(settings: dict) -> UniformNoise | AbsorbingNoise:
    """Forward process of the `train` settings."""
    noise = settings["noise"]
    processes = {"uniform": UniformNoise, "absorbing": AbsorbingNoise}
    levels = alpha_bar(noise["schedule"], noise["levels"])
    return processes[noise["process"]](settings["cell"]["setting"]["v"], levels)


def build_network(settings: dict) -> UNet1d:
    """Untrained ensemble of the `train` settings, one replica per key."""
    setting, noise = settings["cell"]["setting"], build_noise(settings)
    return UNet1d(
        seeds=replica_keys(settings),
        input_symbols=noise.input_symbols,
        symbols=noise.symbols,
        branching=setting["s"],
        depth=setting["L"],
        levels=noise.levels,
        **settings["network"],
    )


def build_optimizer(network: UNet1d, training: dict) -> tuple[Optimizer, Schedule]:
    """SGD; the learning rate is in units of the width (maximal update parametrisation)."""
    return sgd(network, training, training["learning_rate"] * network.width)
