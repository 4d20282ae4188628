"""Random numbers, noise, samplers and the exact denoiser on a GPU are those of the CPU."""

from functools import partial

import numpy as np
import pytest
import torch

from pipeline.base.device_randomness import mixed_uniforms
from pipeline.base.randomness import stream_key, uniforms
from pipeline.noise.absorbing import AbsorbingNoise, ContinuousAbsorbingNoise
from pipeline.noise.gaussian import GaussianNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.grammar.derivation import choice_radices, derive
from pipeline.rhm.grammar.rules import sample_rules
from pipeline.rhm.oracle import Oracle
from pipeline.sampling.absorbing import at_positions, cosine_grid, sample_absorbing
from pipeline.sampling.gaussian import sample_gaussian
from pipeline.sampling.generate import generate
from pipeline.sampling.uniform import sample_uniform
from pipeline.training.batches import Batches
from tests.gpu.cases import CASES, CPU, error, products_in

V, LEVELS, STRINGS = 6, 20, 24
SCHEDULE = alpha_bar("linear_alpha_bar", LEVELS)
NOISES = {
    "uniform": UniformNoise(V, SCHEDULE),
    "uniform, cavities": UniformNoise(V, SCHEDULE, "d3pm"),
    "absorbing": AbsorbingNoise(V, SCHEDULE),
    "absorbing, continuous": ContinuousAbsorbingNoise(V),
    "Gaussian": GaussianNoise(alpha_bar("cosine", LEVELS)),
}
DISCRETE = ("uniform", "uniform, cavities", "absorbing")
GRAMMARS = [sample_rules(v=V, m=3, s=2, L=3, seed=seed) for seed in range(2)]
KEYS = [stream_key("test", replica) for replica in range(len(GRAMMARS))]
EXACT = 1e-11
"""Float64: sums in another order, and functions that differ in their last bits."""


def test_random_numbers_are_those_of_the_cpu_to_the_last_bit(device):
    key = np.array([0, 2**64 - 1, stream_key("a")], dtype=np.uint64)[:, None, None, None]
    coordinates = np.arange(1000)[:, None, None], 5, np.arange(7)
    found = mixed_uniforms(device, key, *coordinates)
    assert torch.equal(found.cpu(), torch.from_numpy(uniforms(key, *coordinates)))


@pytest.mark.parametrize("low_discrepancy", [True, False])
@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_batches_and_what_noise_makes_of_them_are_those_of_the_cpu(device, noise, low_discrepancy):
    strings = np.random.default_rng(0).integers(0, V, (2, 40, 8), dtype=np.uint8)
    options = (strings, KEYS, 16, 2, noise.times, True, low_discrepancy)
    here, there = (Batches(*options, first_step=3, device=place) for place in (CPU, device))
    for step in (3, 17, 1000):
        (_, *expected), (_, *found) = here.batch(step), there.batch(step)
        assert all(tensor.device.type == device.type for tensor in found)
        for one, other in zip(expected, found, strict=True):
            assert torch.equal(one, other.cpu())
        corrupted, on_device = noise.corrupt(*expected), noise.corrupt(*found).cpu()
        if noise.symbols == V:
            assert torch.equal(corrupted, on_device)
        else:  # cosines and logarithms differ in the last bits of float64, so hardly ever here
            torch.testing.assert_close(on_device, corrupted, rtol=2e-7, atol=1e-9)


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_terms_of_the_bound_are_those_of_the_cpu(device, noise):
    generator = torch.Generator().manual_seed(0)
    shape = 2, 50, 8
    x0 = torch.randint(V, shape, generator=generator)
    t = torch.from_numpy(noise.times(np.random.default_rng(0).random(shape[:2])))
    draws = torch.rand(*shape, 2, generator=generator, dtype=torch.float64)
    outputs = torch.randn(*shape, 2 if noise.symbols > V else V, generator=generator).double()
    xt = noise.corrupt(x0, t, draws)
    expected = noise.variational_bound(outputs, x0, xt, t)
    found = noise.variational_bound(*(tensor.to(device) for tensor in (outputs, x0, xt, t)))
    tolerance = EXACT if expected.dtype == torch.float64 else 1e-6
    assert error(found, expected) < tolerance


def sampler(noise, denoiser):
    if noise is NOISES["Gaussian"]:
        return partial(sample_gaussian, denoiser, noise, steps=None)
    if isinstance(noise, UniformNoise):
        return partial(sample_uniform, denoiser, noise, steps=LEVELS)
    return partial(sample_absorbing, at_positions(denoiser), noise)


@pytest.mark.parametrize("name", DISCRETE)
def test_with_the_exact_denoiser_samples_are_those_of_the_cpu(device, name):
    noise = NOISES[name]
    draw_strings = sampler(noise, Oracle(GRAMMARS, noise))
    found = generate(draw_strings, KEYS, STRINGS, 8, device)
    expected = generate(draw_strings, KEYS, STRINGS, 8, CPU, batch=5)
    assert (found == expected).all()  # all is float64: a draw turns out otherwise once in 1e12


def test_text_on_a_grid_of_times_is_that_of_the_cpu(device):
    noise = NOISES["absorbing, continuous"]

    def denoiser(tokens, _t, positions):
        logits = torch.sin(
            tokens.double().cumsum(dim=-1).unsqueeze(-1) + torch.arange(V, device=tokens.device)
        )
        return logits.take_along_dim(positions.unsqueeze(-1), dim=-2)

    for grid in (None, cosine_grid(6)):
        draw_strings = partial(sample_absorbing, denoiser, noise, grid=grid)
        found = generate(draw_strings, KEYS[:1], STRINGS, 12, device)
        assert (found == generate(draw_strings, KEYS[:1], STRINGS, 12, CPU, batch=5)).all()


def test_images_of_a_closed_form_are_those_of_the_cpu(device):
    noise, spread = NOISES["Gaussian"], 0.5
    levels = alpha_bar("cosine", LEVELS)

    def denoiser(xt, t):
        """Of normal data of the given spread: E[epsilon | x_t]."""
        kept = torch.from_numpy(levels).to(t.device)[t].unsqueeze(-1)
        epsilon = xt * (1 - kept).sqrt() / (kept * spread**2 + 1 - kept)
        return torch.stack([epsilon, torch.zeros_like(epsilon)], dim=-1)

    draw_strings = sampler(noise, denoiser)
    found = generate(draw_strings, KEYS[:1], STRINGS, 48, device)
    expected = generate(draw_strings, KEYS[:1], STRINGS, 48, CPU, batch=5)
    assert (found == expected).mean() > 0.99  # x_t is float32 to a denoiser, and pixels are rounded
    assert abs(found - expected).max() <= 1


@pytest.mark.parametrize("name", ["plain_unet_float32", "normed_unet_float32"])
def test_networks_in_float32_draw_the_strings_of_the_cpu(device, name):
    case = CASES[name]
    network, keys = case.network().eval(), case.model.replica_keys(case.settings)
    draw_strings = partial(sample_uniform, network, case.noise, steps=20)
    with torch.inference_mode(), products_in("float32"):
        expected = generate(draw_strings, keys, STRINGS, 8, CPU, batch=5)
        network.to(device)
        found = generate(draw_strings, keys, STRINGS, 8, device)
    # A draw turns out otherwise if a probability moves past it, once in 1e5; there are 12,000.
    assert (found == expected).all(axis=-1).mean() > 0.95


@pytest.mark.parametrize("name", DISCRETE)
def test_beliefs_and_trees_are_those_of_one_string_at_a_time(device, name):
    noise, oracle = NOISES[name], Oracle(GRAMMARS, NOISES[name])
    radices = choice_radices(GRAMMARS[0])
    random = np.random.default_rng(0)
    choices = random.integers(0, radices, (STRINGS, len(radices)))
    x0 = torch.stack([torch.from_numpy(derive(g, choices)).long() for g in GRAMMARS])
    t = torch.from_numpy(noise.times(random.random(x0.shape[:2])))
    xt = noise.corrupt(x0, t, torch.from_numpy(random.random((*x0.shape, 2))))
    draws = torch.from_numpy(random.random((*x0.shape[:2], len(radices))))
    arguments = [tensor.to(device) for tensor in (xt, t, draws)]
    found = oracle.beliefs(*arguments[:2])
    trees, cavities = oracle.sample(*arguments), oracle.cavities(*arguments[:2])
    implied = oracle.implied_latents(found.marginals[0])
    for i in range(STRINGS):
        one = [tensor[:, i : i + 1] for tensor in (xt, t, draws)]
        expected = oracle.beliefs(*one[:2])
        assert error(found.log_evidence[:, i : i + 1], expected.log_evidence) < EXACT
        assert error(cavities[:, i : i + 1], oracle.cavities(*one[:2])) < EXACT
        for level, marginals in enumerate(expected.marginals):
            assert error(found.marginals[level][:, i : i + 1], marginals) < EXACT
        for level, symbols in enumerate(oracle.sample(*one)):
            assert torch.equal(trees[level][:, i : i + 1].cpu(), symbols)
        for level, latents in enumerate(oracle.implied_latents(expected.marginals[0])):
            assert error(implied[level][:, i : i + 1], latents) < EXACT
