"""Absorbing noise against explicit transition matrices over the symbols and the mask."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from tests import reference

V, T = 3, 40


@pytest.fixture(params=["linear_alpha_bar", "ddpm_linear_beta", "d3pm_linear_beta"])
def case(request):
    values = alpha_bar(request.param, T)
    return AbsorbingNoise(V, values), reference.absorbing_steps(V, values)


def random_logits(*shape):
    return torch.randn(*shape, V, generator=torch.Generator().manual_seed(0)).double()


def test_corruption_frequencies_are_rows_of_the_matrix_product(case):
    noise, steps = case
    n = 10_000
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    uniforms = torch.stack([u, u.flip(0)], dim=-1)
    for t in (1, 5, 20, T):
        for symbol in range(V):
            xt = noise.corrupt(torch.full((n,), symbol), torch.tensor(t), uniforms)
            frequencies = np.bincount(xt.numpy(), minlength=V + 1) / n
            expected = reference.cumulative(steps)[t][symbol]
            np.testing.assert_allclose(frequencies, expected, atol=1 / n)


def test_the_mask_is_one_more_input_symbol(case):
    assert case[0].mask == V
    assert (case[0].symbols, case[0].input_symbols, case[0].levels) == (V, V + 1, T)


def test_the_bound_is_the_divergence_of_bayes_posteriors(case):
    noise, steps = case
    x0 = torch.arange(V)[:, None]
    logits, xt = random_logits(V, 1), torch.full((V, 1), noise.mask)
    p = torch.softmax(logits[:, 0], dim=-1).numpy()
    for t in range(1, T + 1):
        q = reference.posterior(steps, t - 1, t)[:V, V]  # [x_0, x_{t-1}] of a masked x_t
        model = p @ q
        bound = noise.variational_bound(logits, x0, xt, torch.full((V,), t))
        np.testing.assert_allclose(bound[:, 0], rel_entr(q, model).sum(axis=1), atol=1e-12)


def test_tokens_that_are_not_masked_cost_nothing(case):
    noise, _ = case
    x0 = torch.tensor([[0, 1, 2, 0]])
    xt = torch.tensor([[0, V, 2, V]])
    logits, t = random_logits(1, 4), torch.tensor([4])
    for cost in (noise.cross_entropy(logits, x0, xt), noise.variational_bound(logits, x0, xt, t)):
        assert (cost[0, [0, 2]] == 0).all()
        assert (cost[0, [1, 3]] > 0).all()


def test_the_cross_entropy_of_masked_tokens_is_minus_log_softmax(case):
    noise, _ = case
    logits, x0 = random_logits(5, 2), torch.tensor([[0, 1], [2, 0], [1, 1], [0, 0], [2, 2]])
    found = noise.cross_entropy(logits, x0, torch.full_like(x0, V))
    expected = torch.nn.functional.cross_entropy(logits.mT, x0, reduction="none")
    torch.testing.assert_close(found, expected)


def test_the_bound_at_the_first_level_is_the_cross_entropy(case):
    noise, _ = case
    logits, x0 = random_logits(3, 1), torch.arange(3)[:, None]
    xt, t = torch.full_like(x0, V), torch.ones(3, dtype=torch.long)
    torch.testing.assert_close(
        noise.variational_bound(logits, x0, xt, t), noise.cross_entropy(logits, x0, xt)
    )


def test_nothing_is_masked_at_level_0_whatever_the_schedule():
    values = alpha_bar("linear_beta", T, first=0.1, last=0.3)
    noise = AbsorbingNoise(V, values)
    assert noise.kept(torch.tensor([0, 1, T])).tolist() == [1.0, *values[[1, T]]]
    times = noise.reveal_times(torch.tensor([0.0, 1e-9, 0.5, 1 - 1e-9], dtype=torch.float64))
    assert times.tolist()[:2] == [1, 1]  # in a schedule of its own, level 0 would keep them masked
    assert times.max() <= T
