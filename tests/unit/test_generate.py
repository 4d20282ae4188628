"""Generation: random numbers belong to samples, not to batches or ensembles."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.sampling.absorbing import at_positions, sample_absorbing
from pipeline.sampling.generate import generate
from pipeline.sampling.uniform import sample_uniform

CPU = torch.device("cpu")
VALUES = alpha_bar("linear_alpha_bar", 30)


def some_denoiser(xt, t):
    """Logits that depend on the whole string and on the level."""
    wave = torch.cos(xt.double().cumsum(dim=-1) + t.unsqueeze(-1))
    return wave.unsqueeze(-1) * torch.tensor([1.0, -2.0, 0.5]).double()


def by_uniform(draw):
    return sample_uniform(some_denoiser, UniformNoise(3, VALUES), draw, 30)


def by_absorbing(draw):
    return sample_absorbing(at_positions(some_denoiser), AbsorbingNoise(3, VALUES), draw)


samplers = pytest.mark.parametrize("sampler", [by_uniform, by_absorbing])


@samplers
def test_samples_do_not_depend_on_the_batch(sampler):
    whole = generate(sampler, [1, 2], 23, 5, CPU, batch=23)
    assert whole.shape == (2, 23, 5)
    assert whole.max() < 3
    for batch in (1, 7, 100):
        assert np.array_equal(generate(sampler, [1, 2], 23, 5, CPU, batch=batch), whole)


@samplers
def test_samples_do_not_depend_on_other_replicas_or_on_how_many_are_drawn(sampler):
    together = generate(sampler, [1, 2**64 - 1], 23, 5, CPU)
    assert np.array_equal(generate(sampler, [2**64 - 1], 9, 5, CPU)[0], together[1, :9])
    assert not np.array_equal(together[0], together[1])


def test_every_sample_purpose_and_token_has_a_random_number_of_its_own():
    seen = Counter()

    def record(draw):
        for purpose in (0, 1, 30):
            assert torch.equal(draw(purpose), draw(purpose))
            seen.update(draw(purpose).flatten().tolist())
        return torch.zeros_like(draw(0)).long()

    generate(record, [1, 2], 10, 5, CPU, batch=4)
    assert len(seen) == 2 * 10 * 5 * 3
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_absorbing_sampling_calls_the_network_at_most_once_per_token(levels):
    noise = AbsorbingNoise(3, alpha_bar("linear_alpha_bar", levels))
    calls = []

    def denoiser(xt, t):
        calls.append(t)
        return some_denoiser(xt, t)

    partial = at_positions(denoiser)
    tokens = generate(lambda draw: sample_absorbing(partial, noise, draw), [1, 2], 50, 6, CPU)
    assert len(calls) <= min(6, levels)
    assert tokens.max() < 3
    assert all((later < earlier)[earlier > 0].all() for earlier, later in pairwise(calls))


def levels_called(spacing):
    levels = []

    def denoiser(xt, t):
        levels.extend(t.unique().tolist())
        return some_denoiser(xt, t)

    noise, choices = UniformNoise(3, VALUES), (6, spacing)
    generate(lambda draw: sample_uniform(denoiser, noise, draw, *choices), [1], 4, 5, CPU)
    return levels


def test_uniform_sampling_calls_the_network_at_evenly_spaced_levels():
    assert levels_called("even") == [30, 25, 20, 15, 10, 5]


def test_cubic_spacing_takes_short_steps_near_the_end():
    assert levels_called("cubic") == [30, 17, 9, 4, 1]  # 30 (k/6)^3, none twice, none for the last
