"""Samplers with the exact Bayes denoiser against the exact Markov chain over all strings."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.sampling.absorbing import at_positions, sample_absorbing
from pipeline.sampling.generate import generate
from pipeline.sampling.uniform import sample_uniform
from tests import reference

V, D = 3, 4
CPU = torch.device("cpu")


def absorbing(strings, levels, schedule="linear_alpha_bar"):
    """Noise and exact denoiser; only whether a token is masked matters, not the level."""
    visible = np.concatenate([np.eye(V), np.ones((V, 1))], axis=1)
    likelihood = np.broadcast_to(visible, (levels + 1, V, V + 1)).copy()
    denoiser = reference.BayesDenoiser(strings, V, likelihood)
    return AbsorbingNoise(V, alpha_bar(schedule, levels)), denoiser


def uniform(strings, levels, mixture="exact"):
    values = alpha_bar("linear_alpha_bar", levels)
    likelihood = reference.cumulative(reference.uniform_steps(V, values))
    return UniformNoise(V, values, mixture), reference.BayesDenoiser(strings, V, likelihood)


def index(tokens, base):
    return tokens @ base ** np.arange(D - 1, -1, -1)


def chain(denoiser, posteriors, symbols, start):
    """Distribution over all strings after ancestral steps, by multiplying the whole matrix.

    Args:
        denoiser: gives p(x_0 | x_t) of each token.
        posteriors: pairs of t and q(x_s | x_t, x_0) [x_0, x_t, x_s], in the order of the steps.
        symbols: number of symbols of x_t.
        start: distribution over all strings at the first t.
    """
    states = torch.from_numpy(reference.every_string(symbols, D))
    for t, posterior in posteriors:
        clean = denoiser(states, torch.full((len(states),), t)).exp().numpy()
        table = np.nan_to_num(posterior)[:, states.numpy()]
        tokens = np.einsum("nda,andb->ndb", clean, table)
        step = np.einsum("na,nb,nc,ne->nabce", *tokens.transpose(1, 0, 2))
        start = start @ step.reshape(len(states), -1)
    return start


def assert_drawn_from(tokens, expected, base):
    counts = np.bincount(index(tokens.astype(int), base), minlength=len(expected))
    assert counts[expected < 1e-12].sum() == 0
    likely = expected > 1e-3
    observed = np.append(counts[likely], counts[~likely].sum())
    wanted = len(tokens) * np.append(expected[likely], expected[~likely].sum())
    kept = wanted > 1e-6
    assert chisquare(observed[kept], wanted[kept]).pvalue > 1e-4


@pytest.mark.parametrize("schedule", ["linear_alpha_bar", "d3pm_linear_beta"])
def test_absorbing_samples_follow_the_chain_of_all_ancestral_steps(small, schedule):
    levels = 4
    noise, denoiser = absorbing(small.strings, levels, schedule)
    steps = reference.absorbing_steps(V, alpha_bar(schedule, levels))
    posteriors = [(t, reference.posterior(steps, t - 1, t)[:V]) for t in range(levels, 0, -1)]
    for _, posterior in posteriors:
        posterior[:, :V] = np.eye(V + 1)[:V]  # a revealed token stays, whatever the denoiser says
    start = np.zeros((V + 1) ** D)
    start[-1] = 1
    expected = chain(denoiser, posteriors, V + 1, start)
    assert expected.sum() == pytest.approx(1)
    partial = at_positions(denoiser)
    tokens = generate(lambda d: sample_absorbing(partial, noise, d), [1], 20_000, D, CPU)[0]
    assert_drawn_from(tokens, expected, V + 1)


@pytest.mark.parametrize(("levels", "steps_taken"), [(5, 5), (12, 4), (3, 1)])
@pytest.mark.parametrize("mixture", ["exact", "d3pm"])
def test_uniform_samples_follow_the_chain_of_their_steps(small, levels, steps_taken, mixture):
    noise, denoiser = uniform(small.strings, levels, mixture)
    steps = reference.uniform_steps(V, alpha_bar("linear_alpha_bar", levels))
    grid = [levels * (steps_taken - k) // steps_taken for k in range(steps_taken + 1)]
    pairs = list(zip(grid[:-1], grid[1:], strict=True))
    start = np.full(V**D, V**-D)
    if mixture == "exact":
        posteriors = [(t, reference.posterior(steps, s, t)) for t, s in pairs]
        expected = chain(denoiser, posteriors, V, start)
    else:
        expected = d3pm_chain(denoiser, steps, pairs, start)

    def draw_strings(draw):
        return sample_uniform(denoiser, noise, draw, steps_taken)

    tokens = generate(draw_strings, [1], 10_000, D, CPU)[0]
    assert_drawn_from(tokens, expected, V)


def d3pm_chain(denoiser, steps, pairs, start):
    """The same with public code's q(x_t | x_s) times the sum of p(x_0) q(x_s | x_0)."""
    states = torch.from_numpy(reference.every_string(V, D))
    for t, s in pairs:
        clean = denoiser(states, torch.full((len(states),), t)).exp().numpy()
        joint = reference.between(steps, s, t).T[states.numpy()]
        joint = joint * (clean @ reference.cumulative(steps)[s])
        tokens = joint / joint.sum(axis=-1, keepdims=True)
        step = np.einsum("na,nb,nc,ne->nabce", *tokens.transpose(1, 0, 2))
        start = start @ step.reshape(len(states), -1)
    return start


def test_absorbing_samples_of_many_levels_are_uniform_over_valid_strings(small):
    visible = np.concatenate([np.eye(V), np.ones((V, 1))], axis=1)
    denoiser = reference.BayesDenoiser(small.strings, V, visible[None])
    noise = AbsorbingNoise(V, alpha_bar("linear_alpha_bar", 10**6))

    def draw_strings(draw):
        partial = at_positions(lambda xt, t: denoiser(xt, torch.zeros_like(t)))
        return sample_absorbing(partial, noise, draw)

    tokens = generate(draw_strings, [1], 6000, D, CPU)[0]
    expected = np.zeros(V**D)
    expected[index(small.strings, V)] = 1 / len(small.strings)
    assert_drawn_from(tokens, expected, V)
    assert denoiser.calls <= D * 3  # three batches


def test_uniform_samples_of_many_levels_are_nearly_all_valid(small):
    noise, denoiser = uniform(small.strings, 150)

    def draw_strings(draw):
        return sample_uniform(denoiser, noise, draw, 150)

    tokens = generate(draw_strings, [1], 300, D, CPU)[0].astype(int)
    valid = np.isin(index(tokens, V), index(small.strings, V)).mean()
    assert valid > 0.9  # 24 of 81 strings are valid by chance
