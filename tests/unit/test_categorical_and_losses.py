"""Categorical draws at every rarity, and the losses that training can name."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipeline.noise.losses import LOSSES
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.sampling.categorical import categorical


def test_categorical_gives_every_symbol_its_share_of_the_unit_interval():
    p = torch.tensor([0.1, 0.0, 0.45, 0.25, 0.2, 0.0]).double()
    n = 10_000
    u = (torch.arange(n).double() + 0.5) / n
    counts = np.bincount(categorical(p.expand(n, -1), u), minlength=len(p))
    np.testing.assert_allclose(counts, n * p, atol=1)
    assert counts[[1, 5]].tolist() == [0, 0]


def test_categorical_does_not_need_normalised_weights():
    u = torch.tensor([0.0, 0.24, 0.26, 0.99]).double()
    assert categorical(torch.tensor([2.0, 6.0]).expand(4, -1), u).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("rarity", [1e-6, 1e-9, 1e-12])
def test_rare_symbols_are_drawn_exactly_as_often_as_they_should(rarity):
    p = torch.tensor([1 - rarity, rarity]).double().expand(2, -1)
    u = 1 - torch.tensor([0.99, 1.01]).double() * rarity
    assert categorical(p, u).tolist() == [1, 0]


def test_categorical_never_draws_impossible_symbols_at_the_ends():
    last = np.nextafter(1, 0)
    p = torch.tensor([0.0, 0.3, 0.7, 0.0]).double().expand(2, -1)
    assert categorical(p, torch.tensor([0.0, last]).double()).tolist() == [1, 2]


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    x0, xt = torch.randint(3, (2, 2, 5, 4), generator=generator)
    logits = torch.randn(2, 5, 4, 3, generator=generator).double()
    t = torch.randint(1, 8, (2, 5), generator=generator)
    return UniformNoise(3, alpha_bar("linear_alpha_bar", 8)), logits, x0, xt, t


def test_the_cross_entropy_is_the_mean_over_tokens(case):
    _, logits, x0, _, _ = case
    expected = torch.nn.functional.cross_entropy(logits.movedim(-1, 1), x0, reduction="none")
    torch.testing.assert_close(LOSSES["cross_entropy"](*case), expected.mean(dim=-1))


def test_the_variational_loss_averaged_over_levels_is_the_bound_per_token(case):
    noise, logits, x0, xt, _ = case
    levels = [torch.full((2, 5), t) for t in range(1, 9)]
    losses = [LOSSES["variational_bound"](noise, logits, x0, xt, t) for t in levels]
    total = sum(noise.variational_bound(logits, x0, xt, t) for t in levels).mean(dim=-1)
    torch.testing.assert_close(torch.stack(losses).mean(dim=0), total)


def test_the_divergence_of_a_step_is_the_bounds_term_without_the_number_of_levels(case):
    noise, logits, x0, xt, t = case
    expected = noise.variational_bound(logits, x0, xt, t).mean(dim=-1)
    torch.testing.assert_close(LOSSES["step_divergence"](*case), expected)
    torch.testing.assert_close(LOSSES["variational_bound"](*case), 8 * expected)


def test_the_hybrid_loss_adds_a_thousandth_of_the_cross_entropy():
    noise = SimpleNamespace(
        levels=10,
        variational_bound=lambda *_: torch.tensor([1.0, 3.0]),
        cross_entropy=lambda *_: torch.tensor([4.0, 8.0]),
    )
    assert LOSSES["hybrid"](noise, *[None] * 4) == pytest.approx(20 + 0.006)
