"""Which marginals the two mixtures of a reverse step are right for, by enumeration of strings."""

import numpy as np
import pytest
import torch

from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.oracle import Oracle
from tests import reference

SCHEDULES = {
    "from one": {"kind": "linear_alpha_bar"},
    "released": {"kind": "linear_beta", "first": 0.05, "last": 0.7},
}
LEVELS = 8
STRINGS = 40


@pytest.fixture(params=SCHEDULES)
def values(request):
    return alpha_bar(levels=LEVELS, **SCHEDULES[request.param])


@pytest.fixture
def case(any_language, values):
    return Case(any_language, values)


class Case:
    """Corrupted strings with everything about them that enumeration tells."""

    def __init__(self, language, values):
        self.language, self.values = language, values
        self.symbols = language.grammar.symbols
        self.strings = torch.from_numpy(language.strings)
        steps = reference.uniform_steps(self.symbols, np.concatenate([[1], values]))
        self.steps = steps  # the first one leads to level 0
        generator = torch.Generator().manual_seed(0)
        picked = torch.randint(len(self.strings), (STRINGS,), generator=generator)
        self.x0 = self.strings[picked]
        self.t = torch.arange(STRINGS) % (LEVELS - 1) + 1
        draws = torch.rand(*self.x0.shape, 2, generator=generator, dtype=torch.float64)
        self.xt = UniformNoise(self.symbols, values).corrupt(self.x0, self.t, draws)

    def likelihood(self):
        """q(x_t,i | x_0,i) of every string, [N, n, d]."""
        tables = torch.from_numpy(reference.cumulative(self.steps))[self.t + 1]
        return tables[torch.arange(STRINGS)[:, None, None], self.strings, self.xt[:, None]]

    def marginals(self, without_own):
        """p(x_0,i | x_t), or without token i of x_t, [N, d, v]."""
        likelihood, one_hot = self.likelihood(), torch.eye(self.symbols).double()[self.strings]
        whole = likelihood.prod(dim=2, keepdim=True).expand_as(likelihood)
        weights = whole / likelihood if without_own else whole
        weights = weights / weights.sum(dim=1, keepdim=True)
        return torch.einsum("Nnd,ndv->Ndv", weights, one_hot)

    def kernel(self):
        """p(x_{t-1},i | x_t): Bayes' steps weighted by the posterior of every string, [N, d, v]."""
        whole = self.likelihood().prod(dim=2)
        posterior = (whole / whole.sum(dim=1, keepdim=True)).numpy()
        kernel = np.zeros((STRINGS, self.strings.shape[1], self.symbols))
        for n, (xt, t) in enumerate(zip(self.xt, self.t, strict=True)):
            table = reference.posterior(self.steps, int(t), int(t) + 1)
            kernel[n] = np.einsum("n,ndv->dv", posterior[n], table[self.strings, xt])
        return torch.from_numpy(kernel)

    def error(self, mixture, marginals):
        """Largest error of a probability of the reverse step."""
        noise = UniformNoise(self.symbols, self.values, mixture)
        return (noise.reverse(marginals, self.xt, self.t, self.t - 1) - self.kernel()).abs().max()


def test_each_mixture_is_the_reverse_step_for_its_own_marginals(case):
    posteriors, cavities = case.marginals(without_own=False), case.marginals(without_own=True)
    assert case.error("exact", posteriors) < 1e-10
    assert case.error("d3pm", cavities) < 1e-10


def test_crossed_mixtures_and_marginals_are_wrong(case):
    posteriors, cavities = case.marginals(without_own=False), case.marginals(without_own=True)
    assert case.error("exact", cavities) > 0.01
    assert case.error("d3pm", posteriors) > 0.01


def test_the_oracle_knows_cavities(case):
    noise = UniformNoise(case.symbols, case.values, "d3pm")
    oracle = Oracle([case.language.grammar], noise)
    expected = case.marginals(without_own=True)
    found = oracle.cavities(case.xt[None], case.t[None])[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("mixture", ["exact", "d3pm"])
def test_the_oracle_puts_out_what_the_mixture_takes(case, mixture):
    noise = UniformNoise(case.symbols, case.values, mixture)
    logits = Oracle([case.language.grammar], noise)(case.xt[None], case.t[None])
    assert case.error(mixture, torch.softmax(logits[0], dim=-1)) < 1e-10


def test_cavities_of_masked_strings_are_those_of_enumeration(any_language):
    """Also of tokens that are not masked, by themselves certain, where a product is zero."""
    symbols, strings = any_language.grammar.symbols, torch.from_numpy(any_language.strings)
    noise = AbsorbingNoise(symbols, alpha_bar("linear_alpha_bar", LEVELS))
    generator = torch.Generator().manual_seed(1)
    masked = torch.rand(STRINGS, strings.shape[1], generator=generator) < 0.5
    xt = torch.where(masked, noise.mask, strings[torch.arange(STRINGS) % len(strings)])
    t = torch.full((STRINGS,), LEVELS // 2)
    likelihood = noise.likelihood(strings[None], xt[:, None], t[:, None, None])
    found = Oracle([any_language.grammar], noise).cavities(xt[None], t[None])[0]
    for i in range(strings.shape[1]):
        others = likelihood[:, :, torch.arange(strings.shape[1]) != i].prod(dim=2)
        weights = others / others.sum(dim=1, keepdim=True)
        expected = weights @ torch.eye(symbols).double()[strings[:, i]]
        torch.testing.assert_close(found[:, i], expected, rtol=0, atol=1e-10)
