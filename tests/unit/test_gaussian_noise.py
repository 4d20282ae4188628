"""Gaussian noise against the joint Gaussian of a chain, numerical integrals and scipy."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from pipeline.base.errors import PipelineError
from pipeline.noise.gaussian import GaussianNoise, as_numbers, standard_normal
from pipeline.noise.losses import LOSSES
from pipeline.noise.schedules import alpha_bar

T = 8
VALUES = alpha_bar("cosine", T)
NOISE = GaussianNoise(VALUES)
TOKENS = torch.tensor([[0, 1, 100, 128, 254, 255]])
BETA = 1 - VALUES[1:] / VALUES[:-1]


def at(t):
    return torch.tensor([t])


def corrupted(t, seed=0):
    uniforms = torch.rand(1, 6, 2, generator=torch.Generator().manual_seed(seed)).double()
    return NOISE.corrupt(TOKENS, at(t), uniforms)


def outputs(seed=1):
    return torch.randn(1, 6, 2, generator=torch.Generator().manual_seed(seed))


def true_noise(xt, t):
    return (xt.double() - VALUES[t] ** 0.5 * as_numbers(TOKENS)) / (1 - VALUES[t]) ** 0.5


def chain_covariance():
    """Covariance of (x_0, ..., x_T), for x_0 of unit variance, by multiplying the chain out."""
    steps = np.eye(T + 1)
    for t in range(1, T + 1):
        steps[t] = math.sqrt(1 - BETA[t - 1]) * steps[t - 1]
        steps[t, t] = math.sqrt(BETA[t - 1])
    return steps @ steps.T


def posterior(t, clean, noisy):
    """Mean and variance of x_{t-1} given x_0 and x_t, by conditioning the joint Gaussian."""
    covariance = chain_covariance()
    known = [0, t] if t > 1 else [t]
    inverse = np.linalg.inv(covariance[np.ix_(known, known)])
    weights = covariance[t - 1, known] @ inverse
    values = np.stack([clean, noisy]) if t > 1 else noisy[None]
    return weights @ values, covariance[t - 1, t - 1] - weights @ covariance[known, t - 1]


def test_numbers_of_pixel_values_fill_the_range_evenly():
    assert as_numbers(TOKENS)[0, [0, -1]].tolist() == [-1, 1]
    assert as_numbers(torch.arange(256)).diff().tolist() == pytest.approx([2 / 255] * 255)


def test_two_uniform_numbers_make_a_standard_normal_one():
    first, second = torch.rand(2, 50_000, generator=torch.Generator().manual_seed(0)).double()
    numbers = standard_normal(first, second).numpy()
    assert stats.kstest(numbers, "norm").pvalue > 1e-3
    edge = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert torch.isfinite(standard_normal(edge, edge)).all()


@pytest.mark.parametrize("t", [1, 4, T])
def test_corrupted_pixels_have_the_mean_and_variance_of_the_chain(t):
    count = 40_000
    uniforms = torch.rand(count, 6, 2, generator=torch.Generator().manual_seed(t)).double()
    xt = NOISE.corrupt(TOKENS.expand(count, -1), torch.full((count,), t), uniforms)
    assert xt.dtype == torch.float32
    scale = math.sqrt(1 - VALUES[t])
    mean = VALUES[t] ** 0.5 * as_numbers(TOKENS)[0]
    error = (xt.double().mean(dim=0) - mean) / (scale / math.sqrt(count))
    assert error.abs().max() < 5
    assert xt.double().std(dim=0).tolist() == pytest.approx([scale] * 6, rel=0.02)


@pytest.mark.parametrize("t", range(2, T + 1))
def test_the_true_noise_gives_the_mean_of_the_posterior(t):
    xt = corrupted(t)
    both = torch.stack([true_noise(xt, t), torch.full_like(xt, -1).double()], dim=-1)
    mean, log_variance = NOISE.reverse(both, xt, at(t), clip=False)
    expected, variance = posterior(t, as_numbers(TOKENS)[0].numpy(), xt[0].double().numpy())
    np.testing.assert_allclose(mean[0], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(log_variance[0].exp(), variance, rtol=1e-9)


def test_the_log_variance_lies_between_that_of_the_posterior_and_of_a_step():
    xt = corrupted(3)
    for v, expected in [(-1.0, posterior(3, 0, 0)[1]), (1.0, BETA[2])]:
        _, found = NOISE.reverse(torch.full((1, 6, 2), v), xt, at(3), clip=False)
        np.testing.assert_allclose(found.exp(), expected, rtol=1e-6)
    low, middle, high = (
        NOISE.reverse(torch.full((1, 6, 2), v), xt, at(3), clip=False)[1] for v in (-1.0, 0.0, 1.0)
    )
    torch.testing.assert_close(middle, (low + high) / 2)


def test_at_the_first_level_the_variance_of_the_second_stands_in_for_none():
    _, found = NOISE.reverse(torch.full((1, 6, 2), -1.0), corrupted(1), at(1), clip=False)
    np.testing.assert_allclose(found.exp(), posterior(2, 0, 0)[1], rtol=1e-6)


def test_clipping_keeps_the_predicted_image_within_its_range():
    xt, wild = corrupted(4), torch.tensor([[[-9.0, 0.0], [9.0, 0.0]]])
    mean, _ = NOISE.reverse(wild, xt[:, :2], at(4), clip=True)
    for place, clean in enumerate([1.0, -1.0]):
        expected, _ = posterior(4, np.array(clean), xt[0, place].double().numpy())
        assert float(mean[0, place]) == pytest.approx(float(expected), rel=1e-9)
    near = torch.stack([true_noise(xt, 4)[:, 2], torch.zeros(1)], dim=-1).unsqueeze(1)
    both = [NOISE.reverse(near, xt[:, 2:3], at(4), clip=clip)[0] for clip in (True, False)]
    torch.testing.assert_close(*both)


@pytest.mark.parametrize("t", [2, 5, T])
def test_terms_of_the_bound_are_integrals_over_the_two_gaussians(t):
    xt = corrupted(t)
    found = NOISE.variational_bound(outputs(), TOKENS, xt, at(t))
    mean, log_variance = NOISE.reverse(outputs(), xt, at(t), clip=False)
    means, variance = posterior(t, as_numbers(TOKENS)[0].numpy(), xt[0].double().numpy())
    for i in range(6):
        true = stats.norm(means[i], math.sqrt(variance))
        model = stats.norm(float(mean[0, i]), math.exp(float(log_variance[0, i]) / 2))

        def integrand(x, true=true, model=model):
            return true.pdf(x) * (true.logpdf(x) - model.logpdf(x))

        expected, _ = integrate.quad(integrand, *true.interval(1 - 1e-15), epsabs=1e-11)
        assert float(found[0, i]) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def every_value(x1, prediction, noise=NOISE):
    """Log-likelihoods of all 256 pixel values of one noisy pixel."""
    values = torch.arange(256).unsqueeze(0)
    x1, prediction = torch.full((1, 256), x1), torch.tensor(prediction).expand(1, 256, 2)
    return -noise.variational_bound(prediction, values, x1, at(1))[0]


@pytest.mark.parametrize("levels", [T, 4000])
@pytest.mark.parametrize("prediction", [(0.0, 0.0), (3.0, 1.0), (-2.0, -1.0)])
@pytest.mark.parametrize("x1", [-1.01, -0.3, 0.999])
def test_likelihoods_of_the_first_level_sum_to_one_and_are_those_of_scipy(levels, prediction, x1):
    noise = GaussianNoise(alpha_bar("cosine", levels))
    found = every_value(x1, prediction, noise).double().numpy()
    assert np.exp(found).sum() == pytest.approx(1, rel=1e-5)
    mean, log_variance = (
        float(part)
        for part in noise.reverse(
            torch.tensor([[prediction]]), torch.tensor([[x1]]), at(1), clip=False
        )
    )
    model = stats.norm(mean, math.exp(log_variance / 2))
    edges = as_numbers(torch.arange(257)).numpy() - 1 / 255
    edges[0], edges[-1] = -np.inf, np.inf
    expected = np.diff(model.cdf(edges))
    likely = expected > 1e-8
    np.testing.assert_allclose(found[likely], np.log(expected[likely]), rtol=1e-4, atol=1e-5)


def test_likelihoods_far_in_the_tails_and_their_gradients_are_finite():
    wild = torch.tensor([[[50.0, -1.0], [-50.0, -1.0], [0.0, 5.0]] * 2], requires_grad=True)
    NOISE.variational_bound(wild, TOKENS, corrupted(1), at(1)).sum().backward()
    assert torch.isfinite(wild.grad).all()
    assert wild.grad[0, [1, 3, 4], 0].abs().min() > 1
    loss = GaussianNoise(alpha_bar("cosine", 4000)).variational_bound(
        wild, TOKENS, corrupted(1), at(4000)
    )
    assert torch.isfinite(torch.autograd.grad(loss.sum(), wild)[0]).all()


def test_the_squared_error_is_that_of_the_noise_drawn():
    uniforms = torch.rand(1, 6, 2, generator=torch.Generator().manual_seed(0)).double()
    epsilon = standard_normal(uniforms[..., 0], uniforms[..., 1])
    for t in (1, 5):
        found = NOISE.squared_error(outputs(), TOKENS, corrupted(t), at(t))
        assert found.dtype == torch.float32
        torch.testing.assert_close(
            found, (outputs()[..., 0] - epsilon).square().float(), rtol=1e-4, atol=1e-5
        )
        loss = LOSSES["squared_error"](NOISE, outputs(), TOKENS, corrupted(t), at(t))
        torch.testing.assert_close(loss, found.mean(dim=-1))


@pytest.mark.parametrize("t", [1, 5])
def test_the_hybrid_loss_adds_a_share_of_the_bound_that_teaches_the_variance_only(t):
    both = outputs().requires_grad_()
    arguments = (both, TOKENS, corrupted(t), at(t))
    hybrid = LOSSES["improved_hybrid"](NOISE, *arguments)
    bits = NOISE.variational_bound(*arguments).mean(dim=-1) / math.log(2)
    error = LOSSES["squared_error"](NOISE, *arguments)
    torch.testing.assert_close(hybrid, error + T / 1000 * bits)
    of_bound, of_error, of_bits = (
        torch.autograd.grad(x.sum(), both, retain_graph=True)[0] for x in (hybrid, error, bits)
    )
    assert torch.equal(of_bound[..., 0], of_error[..., 0])
    torch.testing.assert_close(of_bound[..., 1], T / 1000 * of_bits[..., 1])
    assert of_bits[..., 0].abs().min() > 0
    assert of_bits[..., 1].abs().min() > 0


def test_the_variational_loss_averaged_over_levels_is_the_bound_per_pixel():
    each = [(outputs(), TOKENS, corrupted(t), at(t)) for t in range(1, T + 1)]
    losses = torch.stack([LOSSES["variational_bound"](NOISE, *arguments) for arguments in each])
    terms = torch.stack([NOISE.variational_bound(*arguments) for arguments in each])
    torch.testing.assert_close(losses.mean(), terms.sum(dim=0).mean())


@pytest.mark.parametrize("steps", [2, 5, 8])
def test_a_respaced_process_has_the_levels_that_it_keeps(steps):
    noise = NOISE.respaced(steps)
    kept = noise.original_levels.tolist()
    assert noise.levels == steps
    assert (kept[0], kept[1], kept[-1]) == (0, 1, T)
    assert set(np.diff(kept[1:])) <= {(T - 1) // (steps - 1), (T - 1) // (steps - 1) + 1}
    uniforms = torch.rand(1, 6, 2, generator=torch.Generator().manual_seed(0)).double()
    for level in range(1, steps + 1):
        assert torch.equal(noise.corrupt(TOKENS, at(level), uniforms), corrupted(kept[level]))


def test_steps_of_the_papers_samples_are_those_of_public_code():
    """Level k of 250 of 4000 is the rounded k-th multiple of 3999 / 249."""
    kept = GaussianNoise(alpha_bar("cosine", 4000)).respaced(250).original_levels
    assert kept[1:6].tolist() == [1, 17, 33, 49, 65]
    assert kept[-3:].tolist() == [3968, 3984, 4000]


def test_more_steps_than_levels_and_a_schedule_that_leaves_nothing_are_refused():
    with pytest.raises(
        PipelineError, match="sampling.steps = 9 exceeds noise.noise_levels = 8; choose"
    ):
        NOISE.respaced(9)
    with pytest.raises(PipelineError, match=r"alpha_bar is 0 .*noise_levels = 20"):
        GaussianNoise(alpha_bar("ddpm_linear_beta", 20))
