"""Diversity of samples against loops over n-grams and distributions that are known."""

import numpy as np
import pytest
from scipy.stats import entropy

from pipeline.measurement.diversity import diversity


def rows_of(tokens, blocks=10):
    return {row.quantity: row for row in diversity(tokens, blocks)}


def ngrams(tokens, n):
    return [tuple(row[i : i + n]) for row in tokens.tolist() for i in range(len(row) - n + 1)]


def distinct(tokens, n):
    found = ngrams(tokens, n)
    return len(set(found)) / len(found)


@pytest.fixture(params=[np.uint8, np.uint16, np.int64])
def tokens(request):
    return np.random.default_rng(0).integers(250, size=(37, 11)).astype(request.param)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_distinct_ngrams_are_those_of_a_loop(tokens, n):
    row = rows_of(tokens)[f"distinct_{n}"]
    assert row.estimate == pytest.approx(distinct(tokens, n))
    assert row.count == len(ngrams(tokens, n))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("blocks", [2, 10, 37])
def test_their_errors_come_from_leaving_out_blocks(tokens, n, blocks):
    kept = [tokens[np.arange(37) * blocks // 37 != block] for block in range(blocks)]
    left_out = np.array([distinct(rest, n) for rest in kept])
    expected = np.sqrt((blocks - 1) * left_out.var())
    assert rows_of(tokens, blocks)[f"distinct_{n}"].standard_error == pytest.approx(expected)


def test_large_tokens_do_not_overflow():
    tokens = np.array([[65535, 65534, 65535], [65534, 65535, 65534]], dtype=np.uint16)
    assert rows_of(tokens, 2)["distinct_3"].estimate == 1
    assert rows_of(tokens, 2)["distinct_2"].estimate == 1 / 2


def test_short_samples_have_no_long_ngrams():
    assert [r for r in rows_of(np.eye(4, 2, dtype=int), 2) if "distinct" in r] == [
        "distinct_1",
        "distinct_2",
    ]


def test_repetition_has_no_diversity():
    rows = rows_of(np.full((20, 16), 7))
    assert rows["unigram_entropy"].estimate == rows["sample_entropy"].estimate == 0
    assert rows["distinct_1"].estimate == pytest.approx(1 / (20 * 16))


def test_entropy_within_samples_is_their_mean_plug_in_entropy(tokens):
    values = [entropy(np.bincount(row)) for row in tokens]
    row = rows_of(tokens)["sample_entropy"]
    assert row.estimate == pytest.approx(np.mean(values))
    assert row.standard_error == pytest.approx(np.std(values) / np.sqrt(37))


def test_samples_of_one_token_each_are_diverse_only_together():
    rows = rows_of(np.tile(np.arange(16), 25)[:, None], blocks=5)
    assert rows["sample_entropy"].estimate == 0
    assert rows["unigram_entropy"].estimate == pytest.approx(np.log(16))


def bursts(rng, shares, samples):
    """Samples of 8 tokens in runs of 4: tokens of one sample depend on one another."""
    drawn = rng.choice(len(shares), p=shares, size=(samples, 2))
    return np.repeat(drawn, 4, axis=1)


def test_entropy_of_all_tokens_is_unbiased_and_its_error_right():
    rng, shares = np.random.default_rng(0), np.arange(1, 31) / np.arange(1, 31).sum()
    draws = [bursts(rng, shares, 100) for _ in range(300)]
    rows = [rows_of(tokens)["unigram_entropy"] for tokens in draws]
    estimates = np.array([row.estimate for row in rows])
    plug_in = np.mean([entropy(np.bincount(tokens.ravel())) for tokens in draws])
    assert plug_in < entropy(shares) - 0.05
    assert estimates.mean() == pytest.approx(entropy(shares), abs=0.01)
    errors = np.mean([row.standard_error for row in rows])
    assert errors == pytest.approx(estimates.std(), rel=0.2)
