"""The Gaussian sampler with denoisers that are known in closed form."""

import math

import numpy as np
import pytest
import torch

from pipeline.noise.gaussian import GaussianNoise, as_numbers
from pipeline.noise.schedules import alpha_bar
from pipeline.sampling.gaussian import sample_gaussian
from pipeline.sampling.generate import generate

T, D = 60, 5
VALUES = alpha_bar("cosine", T)
NOISE = GaussianNoise(VALUES)
ALPHA_BAR = torch.from_numpy(VALUES)
CPU = torch.device("cpu")


def images(denoiser, steps, count, batch=1000):
    def draw_strings(draw):
        return sample_gaussian(denoiser, NOISE, draw, steps)

    return generate(draw_strings, [1, 2], count, D, CPU, batch)


def noise_in(xt, t, clean):
    """The noise in x_t if x_0 is `clean`."""
    here = ALPHA_BAR[t].unsqueeze(-1)
    return (xt.double() - here.sqrt() * clean) / (1 - here).sqrt()


@pytest.mark.parametrize("steps", [None, 7, 2])
@pytest.mark.parametrize("token", [0, 77, 254, 255])
def test_where_all_images_are_one_that_one_is_returned_to_the_last_value(steps, token):
    def denoiser(xt, t):
        epsilon = noise_in(xt, t, as_numbers(torch.tensor(token)))
        return torch.stack([epsilon, torch.zeros_like(epsilon)], dim=-1).float()

    assert (images(denoiser, steps, 20) == token).all()


MEAN, DEVIATION = 0.3, 0.15


def of_gaussians(steps):
    """Best prediction of noise and variance if numbers of x_0 are Gaussian.

    Steps are those between levels kept, so the variance is one of the respaced process.
    """
    noise = NOISE if steps is None else NOISE.respaced(steps)
    kept = noise.original_levels
    below = torch.zeros(T + 1, dtype=torch.int64)
    below[kept[1:]] = kept[:-1]

    def denoiser(xt, t):
        here, before = ALPHA_BAR[t].unsqueeze(-1), ALPHA_BAR[below[t]].unsqueeze(-1)
        gain = here.sqrt() * DEVIATION**2 / (here * DEVIATION**2 + 1 - here)
        clean = MEAN + gain * (xt.double() - here.sqrt() * MEAN)
        beta = 1 - here / before
        high, low = beta, (beta * (1 - before) / (1 - here)).clamp(min=1e-12)
        doubt = DEVIATION**2 * (1 - gain * here.sqrt())
        variance = low + (before.sqrt() * beta / (1 - here)) ** 2 * doubt
        v = 2 * (variance / low).log() / (high / low).log() - 1
        return torch.stack([noise_in(xt, t, clean), v.expand(xt.shape)], dim=-1).float()

    return denoiser


@pytest.mark.parametrize("steps", [None, 10, 4])
def test_gaussian_images_are_reproduced_exactly_in_any_number_of_steps(steps):
    """But for the last step, which returns the best guess of x_0, and so lacks its doubt."""
    found = as_numbers(torch.from_numpy(images(of_gaussians(steps), steps, 4000))).numpy()
    count, kept = found.size, VALUES[1] * DEVIATION**2
    deviation = DEVIATION * math.sqrt(kept / (kept + 1 - VALUES[1]))
    assert found.mean() == pytest.approx(MEAN, abs=5 * deviation / math.sqrt(count))
    assert found.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * count))
    pixels = np.corrcoef(found.reshape(-1, D).T)
    assert np.abs(pixels - np.eye(D)).max() < 0.06


def of_two_values(xt, t):
    """Best prediction if numbers of x_0 are -0.6 or 0.6, independently; v is that of beta~."""
    here = ALPHA_BAR[t].unsqueeze(-1)
    clean = 0.6 * torch.tanh(0.6 * here.sqrt() * xt.double() / (1 - here))
    epsilon = noise_in(xt, t, clean)
    return torch.stack([epsilon, torch.full_like(epsilon, -1)], dim=-1).float()


def test_two_values_come_out_in_equal_shares():
    found = as_numbers(torch.from_numpy(images(of_two_values, None, 1000))).numpy()
    assert np.isclose(np.abs(found), 0.6, atol=0.05).mean() > 0.97
    assert (found > 0).mean() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(found.size))


def test_samples_do_not_depend_on_the_batch_or_on_other_replicas():
    whole = images(of_gaussians(5), 5, 23)
    assert whole.shape == (2, 23, D)
    for batch in (1, 7, 100):
        assert np.array_equal(images(of_gaussians(5), 5, 23, batch), whole)
    assert not np.array_equal(whole[0], whole[1])


def test_predicted_images_are_clipped_on_the_way():
    """White thrice over counts as white; the last step then takes a quarter of it."""

    def denoiser(xt, t):
        clean = torch.where((t > 1).unsqueeze(-1), 3, xt.double() / 4)
        epsilon = noise_in(xt, t, clean)
        return torch.stack([epsilon, torch.full_like(epsilon, -1)], dim=-1).float()

    found = as_numbers(torch.from_numpy(images(denoiser, 5, 100)))
    assert float(found.mean()) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("steps", [None, 3])
def test_the_network_is_told_the_original_level_and_given_real_numbers(steps):
    told = []

    def denoiser(xt, t):
        assert xt.dtype == torch.float32
        told.append(t.unique().item())
        return torch.zeros(*xt.shape, 2)

    tokens = images(denoiser, steps, 3)
    assert told == ([*range(T, 0, -1)] if steps is None else [60, 30, 1])
    assert tokens.min() >= 0
    assert tokens.max() <= 255


def test_every_step_draws_numbers_of_its_own():
    purposes = []

    def draw(purpose):
        purposes.append(purpose)
        return torch.full((1, 1, D), 0.5).double()

    sample_gaussian(of_two_values, NOISE, draw, 4)
    assert sorted(purposes) == [2, 3, 4, 5, 6, 7, 8, 9]
