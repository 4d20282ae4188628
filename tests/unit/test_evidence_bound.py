"""With the exact denoiser, the evidence bound is the entropy of the grammar's strings."""

import numpy as np
import pytest
import torch

from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from tests import reference

V, M, D = 3, 2, 4
ENTROPY = np.log(V) + 3 * np.log(M)  # ln v + (s**L - 1) / (s - 1) ln m, in nats per string


def bound(noise, steps, strings, corrupted):
    """Negative evidence bound, with the exact mean over all corrupted strings at every level."""
    likelihood = reference.cumulative(steps)
    denoiser = reference.BayesDenoiser(strings, V, likelihood[:, :V])
    clean = torch.from_numpy(strings)
    x0, xt = (x.reshape(-1, D) for x in torch.broadcast_tensors(clean[:, None], corrupted[None]))
    total = 0.0
    for t in range(1, noise.levels + 1):
        chance = likelihood[t][x0, xt].prod(axis=1)
        possible = torch.from_numpy(chance > 0)
        levels = torch.full((int(possible.sum()),), t)
        logits = denoiser(xt[possible], levels)
        terms = noise.variational_bound(logits, x0[possible], xt[possible], levels).sum(dim=-1)
        total += float((torch.from_numpy(chance)[possible] * terms).sum()) / len(strings)
    return total


def absorbing_bound(strings, levels):
    values = alpha_bar("linear_alpha_bar", levels)
    corrupted = torch.from_numpy(reference.every_string(V + 1, D))
    steps = reference.absorbing_steps(V, values)
    return bound(AbsorbingNoise(V, values), steps, strings, corrupted)


def uniform_bound(strings, levels):
    values = alpha_bar("linear_alpha_bar", levels)
    corrupted = torch.from_numpy(reference.every_string(V, D))
    steps = reference.uniform_steps(V, values)
    return bound(UniformNoise(V, values), steps, strings, corrupted)


def test_the_bound_of_absorbing_noise_sums_to_the_entropy(small):
    few, many = absorbing_bound(small.strings, 16), absorbing_bound(small.strings, 32)
    assert ENTROPY < many < few
    # the error is of order 1 / T: extrapolating it away leaves order 1 / T**2
    assert 2 * many - few == pytest.approx(ENTROPY, abs=5e-3)


def test_the_bound_of_uniform_noise_sums_to_the_entropy(small):
    few, many = uniform_bound(small.strings, 16), uniform_bound(small.strings, 32)
    assert ENTROPY < many < few
    assert 2 * many - few == pytest.approx(ENTROPY, abs=2e-2)
