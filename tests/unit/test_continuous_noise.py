"""Absorbing noise in continuous time: its identities, and its samplers with the exact denoiser."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import chisquare, kstest

from pipeline.noise.absorbing import AbsorbingNoise, ContinuousAbsorbingNoise
from pipeline.rhm.oracle import Oracle
from pipeline.sampling.absorbing import at_positions, cosine_grid, sample_absorbing
from pipeline.sampling.generate import generate
from tests import reference

CPU = torch.device("cpu")
NOISE = ContinuousAbsorbingNoise(3)


def at(t):
    return torch.tensor([t], dtype=torch.float64)


def test_the_schedule_is_linear_and_stays_inside_its_ends():
    kept = NOISE.kept(torch.tensor([0.0, 0.5, 1.0]))
    assert kept.tolist() == pytest.approx([1 - 1e-4, 0.5, 1e-4])
    assert (NOISE.mask, NOISE.input_symbols, NOISE.levels) == (3, 4, 1)
    assert np.array_equal(NOISE.times(np.array([0.0, 0.7])), [0.0, 0.7])


@pytest.mark.parametrize("t", [0.001, 0.3, 0.99])
def test_the_rate_is_minus_the_logarithmic_derivative_of_what_is_hidden(t):
    step = 1e-6
    hidden = [1 - float(NOISE.kept(at(t + side * step))) for side in (-1, 1)]
    derivative = (math.log(hidden[1]) - math.log(hidden[0])) / (2 * step)
    assert float(NOISE.reveal_rate(at(t))) == pytest.approx(derivative, rel=1e-5)


def test_rate_times_what_is_hidden_integrates_to_all_tokens_but_the_ends():
    """Every token is revealed once: the weights of the loss add up to one per token."""
    total, _ = quad(lambda t: float(NOISE.reveal_rate(at(t)) * (1 - NOISE.kept(at(t)))), 0, 1)
    assert total == pytest.approx(1 - 2e-4)


def test_it_is_the_limit_of_many_whole_levels():
    levels = 10_000
    whole = AbsorbingNoise(
        3, NOISE.kept(torch.linspace(0, 1, levels + 1, dtype=torch.float64)).numpy()
    )
    t = torch.tensor([1, 2000, 9000])
    rates = levels * whole.reveal_rate(t)
    assert rates[1:].tolist() == pytest.approx(
        NOISE.reveal_rate(t.double() / levels)[1:].tolist(), rel=1e-4
    )


def test_tokens_are_revealed_when_corruption_would_still_hide_them():
    uniforms = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    times = NOISE.reveal_times(uniforms)
    assert times.min() > 0
    assert times.max() <= 1
    assert kstest(times.numpy(), lambda t: (t - 0) * (1 - 2e-4) / (1 - 1e-4) + 1e-4).pvalue > 0.99


def test_the_loss_of_a_uniform_guess_is_its_logarithm_per_token():
    """-E[rate x masked x ln p] = ln v, whatever the tokens, up to the ends of the schedule."""
    x0 = torch.zeros(4000, 50, dtype=torch.int64)
    t = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    draws = torch.rand(4000, 50, 2, generator=torch.Generator().manual_seed(0)).double()
    xt = NOISE.corrupt(x0, t, draws)
    loss = NOISE.variational_bound(torch.zeros(4000, 50, 3), x0, xt, t).mean()
    assert float(loss) == pytest.approx(math.log(3), rel=0.02)


def test_the_cosine_grid_is_that_of_md4():
    grid = cosine_grid(8)
    expected = [math.cos(math.pi / 2 * (1 - i / 8)) for i in range(9)]
    assert grid.tolist() == pytest.approx(expected)
    assert (grid[0], grid[-1]) == (0, 1)
    assert (grid.diff() > 0).all()


def samples(grammar, grid, count):
    oracle = at_positions(Oracle([grammar], ContinuousAbsorbingNoise(grammar.symbols)))
    noise, calls = ContinuousAbsorbingNoise(grammar.symbols), []

    def denoiser(tokens, t, positions):
        calls.append(t)
        return oracle(tokens, t, positions)

    tokens = generate(
        lambda draw: sample_absorbing(denoiser, noise, draw, grid),
        [1], count, grammar.length, CPU, batch=count,
    )[0]  # fmt: skip
    return tokens, len(calls)


def string_counts(grammar, tokens):
    weights = grammar.symbols ** np.arange(grammar.length)
    known = reference.all_strings(grammar) @ weights
    order = np.sort(known)
    found = tokens @ weights
    assert np.isin(found, known).all()
    return np.bincount(np.searchsorted(order, found), minlength=len(order))


def test_first_hitting_samples_are_uniform_over_the_strings_of_the_grammar(deep):
    tokens, calls = samples(deep.grammar, None, 8192)
    assert chisquare(string_counts(deep.grammar, tokens)).pvalue > 1e-3
    assert calls == deep.grammar.length


def test_ancestral_samples_of_many_steps_are_drawn_from_the_same_distribution(deep):
    tokens, calls = samples(deep.grammar, cosine_grid(100_000), 8192)
    assert chisquare(string_counts(deep.grammar, tokens)).pvalue > 1e-3
    assert calls == deep.grammar.length


def test_few_ancestral_steps_err_where_tokens_are_revealed_together(deep):
    """So that the two tests above could fail."""
    tokens, calls = samples(deep.grammar, cosine_grid(4), 2_000)
    known = {tuple(row) for row in reference.all_strings(deep.grammar)}
    assert np.mean([tuple(row) in known for row in tokens]) < 0.9
    assert calls <= 4


def test_ancestral_samples_follow_the_plain_loop_over_all_steps(deep):
    """The plain loop visits every step and asks the denoiser there, as public code does."""
    steps, count = 6, 20_000
    noise = ContinuousAbsorbingNoise(deep.grammar.symbols)
    oracle, grid = Oracle([deep.grammar], noise), cosine_grid(steps)
    generator = torch.Generator().manual_seed(3)
    tokens = torch.full((1, count, deep.grammar.length), noise.mask)
    for later, earlier in zip(grid.flip(0)[:-1], grid.flip(0)[1:], strict=True):
        t = later.expand(1, count)
        drawn = _draw(torch.softmax(oracle(tokens, t).double(), dim=-1), generator)
        kept = noise.kept(torch.stack([later, earlier]))
        reveal = (kept[1] - kept[0]) / (1 - kept[0])
        now = torch.rand(tokens.shape, generator=generator) < reveal
        tokens = torch.where((tokens == noise.mask) & now, drawn, tokens)
    whole = (tokens != noise.mask).all(dim=-1)
    plain = tokens[whole].numpy()
    ours, _ = samples(deep.grammar, grid, count)
    known = {tuple(row) for row in reference.all_strings(deep.grammar)}
    valid = [np.mean([tuple(row) in known for row in part]) for part in (plain, ours)]
    error = math.sqrt(2 * valid[0] * (1 - valid[0]) / count)
    assert abs(valid[0] - valid[1]) < 4 * error
    assert 0.2 < valid[0] < 0.98


def _draw(probabilities, generator):
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.multinomial(flat, 1, generator=generator).reshape(probabilities.shape[:-1])
