"""Sampling from the RHM's U-Net: against plain ancestral loops over all noise levels."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.contest import Contest, Side
from benchmarks.curves import Curve, fastest
from pipeline.networks.token_inputs import OneHot
from pipeline.networks.unet1d import UNet1d
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import sample_rules
from pipeline.rhm.oracle import Oracle
from pipeline.sampling.absorbing import at_positions, sample_absorbing
from pipeline.sampling.generate import generate
from pipeline.sampling.uniform import sample_uniform

V, M, S, L, WIDTH, LEVELS = 16, 4, 2, 3, 128, 1000
SCHEDULE = alpha_bar("linear_alpha_bar", LEVELS)
_STRINGS, _ORACLE_STRINGS = 64, 2048
_STEPS = (10, 20, 50, 100, 200, 500, 1000)
_ENOUGH = 50
"""Cubic steps with which the exact denoiser is as accurate as at all levels, as the curve shows."""


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    torch.inference_mode().__enter__()
    yield _absorbing()
    yield _uniform()


def _absorbing() -> Contest:
    noise = AbsorbingNoise(V, SCHEDULE)
    network = _network(noise, L)
    return Contest(
        f"sampling, absorbing noise, T={LEVELS}, width {WIDTH}",
        Side("levels that reveal something", lambda: absorbing_strings(network, noise, S**L)),
        Side("ancestral steps at all levels", lambda: plain_absorbing(network, noise)),
        _STRINGS,
        "strings",
        20.0,
        f"at most d = {S**L} calls of the network instead of {LEVELS}, the same distribution",
    )


def _uniform() -> Contest:
    noise = UniformNoise(V, SCHEDULE)
    network = _network(noise, L)

    def ours() -> np.ndarray:
        return uniform_strings(network, noise, _ENOUGH, "cubic", _STRINGS)

    return Contest(
        f"sampling, uniform noise, {_ENOUGH} steps, T={LEVELS}, width {WIDTH}",
        Side(f"{_ENOUGH} steps of cubic spacing", ours),
        Side("loop over all levels", lambda: plain_uniform(network)),
        _STRINGS,
        "strings",
        2.0,
        "as accurate as all levels, see the figure, with 46 calls of the network",
    )


def _network(noise: AbsorbingNoise | UniformNoise, depth: int) -> UNet1d:
    return UNet1d([0], OneHot(noise.input_symbols), V, S, depth, WIDTH, LEVELS, True).eval()


def absorbing_strings(network: UNet1d, noise: AbsorbingNoise, length: int) -> np.ndarray:
    """Strings as stage `sample` draws them."""
    denoiser = at_positions(network)
    return _drawn(lambda draw: sample_absorbing(denoiser, noise, draw), _STRINGS, length)


def uniform_strings(
    denoiser: Callable, noise: UniformNoise, steps: int, spacing: str, strings: int
) -> np.ndarray:
    """Likewise."""

    def draw_strings(draw: Callable) -> Tensor:
        return sample_uniform(denoiser, noise, draw, steps, spacing)

    return _drawn(draw_strings, strings, S**L)


def _drawn(draw_strings: Callable, strings: int, length: int) -> np.ndarray:
    return generate(draw_strings, [0], strings, length, torch.device("cpu"))


def plain_absorbing(network: UNet1d, noise: AbsorbingNoise) -> Tensor:
    """Every step asks the network about all strings, and reveals tokens by chance."""
    kept = torch.from_numpy(SCHEDULE).float()
    tokens = torch.full((1, _STRINGS, S**L), noise.mask)
    for t in range(LEVELS, 0, -1):
        logits = network(tokens, torch.full((1, _STRINGS), t))
        drawn = torch.distributions.Categorical(logits=logits).sample()
        now = torch.rand(tokens.shape) < (kept[t - 1] - kept[t]) / (1 - kept[t])
        tokens = torch.where((tokens == noise.mask) & now, drawn, tokens)
    return tokens


def plain_uniform(network: UNet1d) -> Tensor:
    """Every level in turn, with transition matrices."""
    eye, flat = torch.eye(V), torch.full((V, V), 1 / V)
    kept = torch.from_numpy(SCHEDULE).float()
    tokens = torch.randint(V, (1, _STRINGS, S**L))
    for t in range(LEVELS, 0, -1):
        clean = network(tokens, torch.full((1, _STRINGS), t)).softmax(dim=-1)
        clean = clean / (kept[t] * eye + (1 - kept[t]) * flat)[tokens]
        step = kept[t] / kept[t - 1]
        one, before = (a * eye + (1 - a) * flat for a in (step, kept[t - 1]))
        joint = one[:, tokens].movedim(0, -1) * (clean @ before)
        tokens = torch.distributions.Categorical(joint).sample()
    return tokens


def curves() -> Iterator[Curve]:
    """Accuracy of the exact denoiser against steps; cost of a string against its length."""
    names = "uniform noise, exact denoiser", "reverse steps", "share of valid strings"
    for spacing, steps in {"even": _STEPS, "cubic": _STEPS[:-2]}.items():
        found, errors = np.array(_accuracies(spacing, steps)).T
        low, high = ((found + sign * 1.96 * errors).tolist() for sign in (-1, 1))
        yield Curve(*names, list(steps), found.tolist(), spacing, low, high, is_power_law=False)
    lengths, times = [S**depth for depth in (2, 3, 4, 5, 6)], []
    noise = AbsorbingNoise(V, SCHEDULE)
    for depth, length in enumerate(lengths, start=2):
        network = _network(noise, depth)
        times.append(fastest(lambda n=network, d=length: absorbing_strings(n, noise, d)) / _STRINGS)
    yield Curve("sampling, absorbing", "tokens d = 2^L", "time of a string, s", lengths, times)


def _accuracies(spacing: str, steps: tuple[int, ...]) -> list[tuple[float, float]]:
    """Share of valid strings with its standard error, at every number of steps."""
    grammar, noise = sample_rules(V, M, S, L, seed=0), UniformNoise(V, SCHEDULE)
    oracle, found = Oracle([grammar], noise), []
    for taken in steps:
        tokens = uniform_strings(oracle, noise, taken, spacing, _ORACLE_STRINGS)[0]
        share = parse(grammar, tokens).valid(L).mean()
        found.append((share, np.sqrt(share * (1 - share) / _ORACLE_STRINGS)))
    return found
