"""Noise, network and optimiser of the Random Hierarchy Model, as the settings name them."""

from collections.abc import Callable

from torch.optim import Optimizer

from pipeline.base.randomness import stream_key
from pipeline.base.types import Settings
from pipeline.networks.normed_unet1d import NormedUNet1d
from pipeline.networks.token_inputs import Contrast, OneHot, TokenInput
from pipeline.networks.unet1d import UNet1d
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.training.optimizers import Schedule, adam, linear_decay, sgd

_ARCHITECTURES: dict[str, type[UNet1d] | type[NormedUNet1d]] = {
    "normed_unet": NormedUNet1d,
    "plain_unet": UNet1d,
}
_OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"sgd": sgd, "adam": adam}
_INSIDE: Settings = {"kind": "linear_beta", "levels": 1000, "first": 1e-4, "last": 0.02}
"""Schedule by which networks see contrast, whatever that of the noise: as in the released code."""


def replica_keys(settings: Settings) -> list[int]:
    """One key per replica, on which its weights, batches and noise depend."""
    return [stream_key(*triple) for triple in settings["cell"]["replicas"]]


def build_noise(settings: Settings) -> UniformNoise | AbsorbingNoise:
    """Forward process of the `train` settings."""
    noise, symbols = settings["noise"], settings["cell"]["setting"]["v"]
    values = alpha_bar(levels=noise["levels"], **noise["schedule"])
    if noise["process"] == "absorbing":
        return AbsorbingNoise(symbols, values)
    return UniformNoise(symbols, values, noise["mixture"])


def build_network(settings: Settings) -> UNet1d | NormedUNet1d:
    """Untrained ensemble of the `train` settings, one replica per key."""
    setting, noise, network = (
        settings["cell"]["setting"],
        build_noise(settings),
        settings["network"],
    )
    if network["noise_input"] == "contrast":
        inside = alpha_bar(**_INSIDE)
        tokens: TokenInput = Contrast(noise.input_symbols, noise.symbols, noise.levels, inside)
    else:
        tokens = OneHot(noise.input_symbols)
    return _ARCHITECTURES[network["architecture"]](
        seeds=replica_keys(settings),
        tokens=tokens,
        symbols=noise.symbols,
        branching=setting["s"],
        depth=setting["L"],
        width=network["width"],
        levels=noise.levels,
        cosines=network["noise_input"] == "cosines",
        precision=network["precision"],
    )


def build_optimizer(
    network: UNet1d | NormedUNet1d, training: Settings
) -> tuple[Optimizer, Schedule]:
    """SGD or Adam, at a rate that is in units of the width or is not, constant and then falling."""
    unit = {"width": network.width, "one": 1}[training["learning_rate_unit"]]
    options = dict(training["optimizer"])
    make = _OPTIMIZERS[options.pop("kind")]
    schedule = linear_decay(training["steps"], training["decay_from"])
    return make(network, training["learning_rate"] * unit, **options), schedule
