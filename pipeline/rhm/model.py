"""Noise, network and optimiser of the Random Hierarchy Model, as the settings name them."""

from collections.abc import Callable

import numpy as np
from torch.optim import Optimizer

from pipeline.base.choices import Choices
from pipeline.base.randomness import stream_key
from pipeline.networks.normed_unet1d import NormedUNet1d
from pipeline.networks.token_inputs import Contrast, OneHot, TokenInput
from pipeline.networks.unet1d import UNet1d
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar, linear_beta
from pipeline.noise.settings import TokenNoise
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.settings import TrainSettings
from pipeline.training.optimizers import Schedule, adam, linear_decay, sgd

Noise = UniformNoise | AbsorbingNoise
StringUNet = UNet1d | NormedUNet1d
TRAINED: type[TrainSettings] = TrainSettings


def replica_keys(settings: TrainSettings) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    return [stream_key(*seeds) for seeds in settings.cell.seeds]


def _uniform(symbols: int, values: np.ndarray, mixture: str) -> UniformNoise:
    return UniformNoise(symbols, values, mixture)


def _absorbing(symbols: int, values: np.ndarray, _mixture: str) -> AbsorbingNoise:
    return AbsorbingNoise(symbols, values)


def _contrast(noise: Noise) -> Contrast:
    """Contrast by the released code's schedule, whatever that of the noise, as in that code."""
    inside = linear_beta(levels=1000, first=1e-4, last=0.02)
    return Contrast(noise.input_symbols, noise.symbols, noise.levels, inside)


def _one_hot(noise: Noise) -> OneHot:
    return OneHot(noise.input_symbols)


PROCESSES: Choices[Callable[..., Noise]] = Choices(
    "noise.process", {"uniform": _uniform, "absorbing": _absorbing}
)
_ARCHITECTURES: Choices[Callable[..., StringUNet]] = Choices(
    "network.architecture", {"normed_unet": NormedUNet1d, "plain_unet": UNet1d}
)
_INPUTS: Choices[Callable[[Noise], TokenInput]] = Choices(
    "network.noise_input", {"contrast": _contrast, "cosines": _one_hot, "none": _one_hot}
)
_OPTIMIZERS: Choices[Callable[..., Optimizer]] = Choices(
    "training.optimizer", {"sgd": sgd, "adam": adam}
)


def make_noise(noise: TokenNoise, symbols: int) -> Noise:
    """Forward process on so many symbols."""
    values = alpha_bar(levels=noise.noise_levels, **dict(noise.schedule))
    return PROCESSES[noise.process](symbols, values, noise.mixture)


def build_noise(settings: TrainSettings) -> Noise:
    """Forward process of the `train` settings."""
    return make_noise(settings.noise, settings.cell.setting.v)


def build_network(settings: TrainSettings) -> StringUNet:
    """Untrained ensemble of the `train` settings, one replica per key."""
    setting, noise, network = settings.cell.setting, build_noise(settings), settings.network
    return _ARCHITECTURES[network.architecture](
        seeds=replica_keys(settings),
        tokens=_INPUTS[network.noise_input](noise),
        symbols=noise.symbols,
        branching=setting.s,
        depth=setting.L,
        width=network.width,
        levels=noise.levels,
        cosines=network.noise_input == "cosines",
        precision=network.precision,
    )


def build_optimizer(network: StringUNet, settings: TrainSettings) -> tuple[Optimizer, Schedule]:
    """SGD or Adam, at a rate in units of the width or of 1, which is constant and then falls."""
    training = settings.training
    unit = {"width": network.width, "one": 1}[training.learning_rate_unit]
    options = dict(training.optimizer)
    make = _OPTIMIZERS[options.pop("kind")]
    schedule = linear_decay(training.steps, training.decay_from)
    return make(network, training.learning_rate * unit, **options), schedule
