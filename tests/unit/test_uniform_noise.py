"""Uniform noise against explicit T x v x v transition matrices."""

import numpy as np
import pytest
import torch

from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from tests import reference

V, T = 4, 40
SCHEDULE_NAMES = ["linear_alpha_bar", "ddpm_linear_beta", "d3pm_linear_beta"]


@pytest.fixture(params=SCHEDULE_NAMES)
def values(request):
    return alpha_bar(request.param, T)


@pytest.fixture
def case(values):
    return UniformNoise(V, values), reference.uniform_steps(V, values)


def grid(x0, xt):
    """Broadcast clean and corrupted symbols to one token each, [n, 1]."""
    pairs = torch.cartesian_prod(torch.tensor(x0), torch.tensor(xt))
    return pairs[:, :1], pairs[:, 1:]


def test_corruption_frequencies_are_rows_of_the_matrix_product(case):
    noise, steps = case
    n = 200  # midpoints of an n x n grid stand for random numbers: errors are at most 1 / n each
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    uniforms = torch.cartesian_prod(u, u)
    for t in (1, 5, 20, T):
        for symbol in range(V):
            x0 = torch.full((len(uniforms),), symbol)
            xt = noise.corrupt(x0, torch.tensor(t), uniforms)
            frequencies = np.bincount(xt.numpy(), minlength=V) / len(uniforms)
            expected = reference.cumulative(steps)[t][symbol]
            np.testing.assert_allclose(frequencies, expected, atol=1 / n)


@pytest.mark.parametrize("mixture", ["exact", "d3pm"])
@pytest.mark.parametrize(("s", "t"), [(0, 1), (4, 5), (2, 9), (T - 1, T), (0, T)])
def test_the_step_of_a_known_token_is_bayes_rule(values, mixture, s, t):
    noise, steps = UniformNoise(V, values, mixture), reference.uniform_steps(V, values)
    x0, xt = grid(range(V), range(V))
    levels = (torch.full((len(x0),), level) for level in (t, s))
    clean = torch.nn.functional.one_hot(x0, V).double()
    found = noise.reverse(clean, xt, *levels).reshape(V, V, V)
    expected = reference.posterior(steps, s, t)
    possible = ~np.isnan(expected)
    np.testing.assert_allclose(found.numpy()[possible], expected[possible], atol=1e-12)


@pytest.mark.parametrize(("s", "t"), [(4, 5), (2, 9), (0, 3)])
def test_the_exact_mixture_is_that_of_bayes_steps(case, s, t):
    noise, steps = case
    weights = np.random.default_rng(0).dirichlet(np.ones(V))
    expected = np.einsum("a,abc->bc", weights, reference.posterior(steps, s, t))
    np.testing.assert_allclose(reverse(noise, weights, s, t), expected, atol=1e-12)


@pytest.mark.parametrize(("s", "t"), [(4, 5), (2, 9)])
def test_the_d3pm_mixture_is_that_of_public_code_and_another_one(values, case, s, t):
    exact, steps = case
    weights = np.random.default_rng(0).dirichlet(np.ones(V))
    joint = reference.between(steps, s, t).T * (weights @ reference.cumulative(steps)[s])
    found = reverse(UniformNoise(V, values, "d3pm"), weights, s, t)
    np.testing.assert_allclose(found, joint / joint.sum(axis=1, keepdims=True), atol=1e-12)
    assert np.abs(found - reverse(exact, weights, s, t)).max() > 1e-3


def reverse(noise, weights, s, t):
    """Distribution of x_s, [x_t, x_s], for one distribution over x_0."""
    xt = torch.arange(V)[:, None]
    clean = torch.from_numpy(weights).expand(V, 1, V)
    levels = (torch.full((V,), level) for level in (t, s))
    return noise.reverse(clean, xt, *levels)[:, 0].numpy()


@pytest.mark.parametrize("schedule", SCHEDULE_NAMES)
@pytest.mark.parametrize("mixture", ["exact", "d3pm"])
def test_reverse_steps_are_distributions_at_every_one_of_1000_levels(schedule, mixture):
    noise = UniformNoise(V, alpha_bar(schedule, 1000), mixture)
    t = torch.arange(1, 1001)
    clean = torch.tensor([0.7, 0.2, 0.1, 0.0]).double().expand(1000, 1, V)
    found = noise.reverse(clean, torch.ones(1000, 1, dtype=torch.long), t, t - 1)
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(1000, 1).double())


def test_the_bound_is_the_divergence_of_bayes_posteriors(case):
    noise, steps = case
    x0, xt = grid(range(V), range(V))
    logits = torch.randn(V * V, 1, V, generator=torch.Generator().manual_seed(0)).double()
    for t in (2, 6):
        bound = noise.variational_bound(logits, x0, xt, torch.full((V * V,), t))
        q = reference.posterior(steps, t - 1, t)
        weights = torch.softmax(logits[:, 0], dim=-1).numpy()
        model = np.einsum("na,nac->nc", weights, q[:, xt[:, 0]].swapaxes(0, 1))
        target = q[x0[:, 0], xt[:, 0]]
        expected = (target * np.log(target / model)).sum(axis=1)
        np.testing.assert_allclose(bound[:, 0], expected, atol=1e-12)


def test_the_bound_vanishes_for_the_true_clean_tokens():
    noise = UniformNoise(V, alpha_bar("linear_alpha_bar", T))
    x0, xt = grid(range(V), range(V))
    sure = torch.nn.functional.one_hot(x0, V).double().log()
    for t in range(1, T + 1):
        bound = noise.variational_bound(sure, x0, xt, torch.full((V * V,), t))
        torch.testing.assert_close(bound, torch.zeros(V * V, 1).double(), atol=1e-12, rtol=0)


def test_the_bound_at_the_first_level_is_minus_log_p_of_the_clean_token():
    noise = UniformNoise(V, alpha_bar("linear_alpha_bar", T))
    x0, xt = grid(range(V), range(V))
    logits = torch.randn(V * V, 1, V, generator=torch.Generator().manual_seed(1)).double()
    bound = noise.variational_bound(logits, x0, xt, torch.ones(V * V, dtype=torch.long))
    expected = torch.nn.functional.cross_entropy(logits[:, 0], x0[:, 0], reduction="none")
    torch.testing.assert_close(bound[:, 0], expected)
