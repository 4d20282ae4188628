"""Denoising losses on held-out strings against a loop over single strings."""

from collections import defaultdict
from math import ceil

import numpy as np
import pytest
import torch
from scipy.stats import sem

from pipeline.base.randomness import stream_key, uniforms
from pipeline.noise.losses import LOSSES
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.training import evaluation

V, D, T, STRINGS, KEYS = 3, 4, 40, 90, [5, 6]
NOISE = UniformNoise(V, alpha_bar("linear_alpha_bar", T))
TOKENS = np.random.default_rng(0).integers(0, V, (2, STRINGS, D)).astype(np.uint8)


class Denoiser(torch.nn.Module):
    """Any function of tokens and level, another one for each replica."""

    def __init__(self, replicas):
        super().__init__()
        weight = torch.randn(2, V, V, generator=torch.Generator().manual_seed(0))
        self.weight = torch.nn.Parameter(weight[replicas].double())

    def forward(self, xt, t):
        one_hot = torch.nn.functional.one_hot(xt, V).double()
        return torch.einsum("rbda,rac->rbdc", one_hot, self.weight) * (1 + t[..., None, None] / T)


def evaluate(replicas=(0, 1)):
    keys, tokens = [KEYS[r] for r in replicas], TOKENS[list(replicas)]
    denoiser = Denoiser(list(replicas))
    return evaluation.evaluate(denoiser, NOISE, LOSSES["cross_entropy"], tokens, keys)


def losses_one_by_one(r):
    """Level and loss of every string of a replica."""
    logits_of = Denoiser([r])
    for i in range(STRINGS):
        t = torch.tensor([[1 + int((i + 0.5) * T / STRINGS)]])
        draws = uniforms(stream_key(KEYS[r], "evaluation"), i, np.arange(D)[:, None], np.arange(2))
        x0 = torch.from_numpy(TOKENS[r : r + 1, i : i + 1].astype(int))
        xt = NOISE.corrupt(x0, t, torch.from_numpy(draws))
        logits = logits_of(xt, t).detach()[0, 0]
        yield int(t), float(torch.nn.functional.cross_entropy(logits, x0[0, 0]))


def test_losses_and_errors_agree_with_single_strings_in_every_bin():
    rows = evaluate()
    for r in range(2):
        binned = defaultdict(list)
        for t, loss in losses_one_by_one(r):
            binned[ceil(10 * t / T)].append(loss)
        whole, *bins = [row for row in rows if row.replica == r]
        assert (whole.noise_low, whole.noise_high, whole.count) == (0, 1, STRINGS)
        assert whole.loss == pytest.approx(np.mean(sum(binned.values(), [])))
        assert len(bins) == 10
        for number, row in enumerate(bins, start=1):
            assert row.noise_high == pytest.approx(number / 10)
            assert row.noise_low == pytest.approx((number - 1) / 10)
            assert row.count == len(binned[number])
            assert row.loss == pytest.approx(np.mean(binned[number]))
            assert row.standard_error == pytest.approx(sem(binned[number], ddof=0))


def test_results_do_not_depend_on_chunks_or_on_other_replicas(monkeypatch):
    rows = evaluate()
    monkeypatch.setattr(evaluation, "_CHUNK", 7)
    for row, again in zip(rows, evaluate(), strict=True):
        assert again.loss == pytest.approx(row.loss, rel=1e-12)
    alone = evaluate(replicas=(1,))
    for row, again in zip([row for row in rows if row.replica == 1], alone, strict=True):
        assert again.loss == pytest.approx(row.loss, rel=1e-12)
