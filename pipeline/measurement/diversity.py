"""How varied samples are, which a language model does not tell: to it repetition is likely, too.

Entropies are those of the samples' own tokens. That of all tokens together is corrected for its
bias by the jackknife over blocks of samples (Quenouille 1956), which, unlike the correction of
Miller and Madow, does not take the tokens of one sample to be independent.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.measurement.estimate import Row, block_numbers, jackknife_error, ratio

_ORDERS = (1, 2, 3)


def diversity(tokens: np.ndarray, blocks: int) -> Iterator[Row]:
    """Rows of entropies, in nats, and of the shares of distinct n-grams.

    `unigram_entropy` is that of the tokens of all samples; `sample_entropy` the mean of the
    plug-in entropies of the single samples, at most the logarithm of their length. `distinct_n`,
    n = 1, 2, 3, is the number of distinct n-grams of all samples over the number of n-grams
    (Li et al. 2016). The latter two depend on the number and length of the samples: compare
    sets of one shape.

    Args:
        tokens: integers [N, d].
        blocks: number of blocks of samples, 2..N, of the jackknife.
    """
    yield _unigram_entropy(tokens, blocks)
    entropies = np.array([_entropy(np.unique(row, return_counts=True)[1]) for row in tokens])
    yield Row("sample_entropy", *ratio(entropies, np.ones(len(tokens), dtype=int)))
    yield from (_distinct(tokens, blocks, n) for n in _ORDERS if n <= tokens.shape[1])


def _unigram_entropy(tokens: np.ndarray, blocks: int) -> Row:
    symbols, numbers = np.unique(tokens, return_inverse=True)
    places = block_numbers(len(tokens), blocks)[:, None] * len(symbols)
    flat = (places + numbers.reshape(tokens.shape)).ravel()
    counts = np.bincount(flat, minlength=blocks * len(symbols)).reshape(blocks, -1)
    whole = counts.sum(axis=0)
    left_out = np.array([_entropy(whole - block) for block in counts])
    estimate = blocks * _entropy(whole) - (blocks - 1) * left_out.mean()
    error = float(jackknife_error(left_out))
    return Row("unigram_entropy", float(estimate), error, tokens.size)


def _entropy(counts: np.ndarray) -> float:
    """Plug-in entropy of a distribution known by its counts, in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _distinct(tokens: np.ndarray, blocks: int, order: int) -> Row:
    ids = _number_ngrams(tokens, order)
    block = block_numbers(len(tokens), blocks)
    occurrences = np.unique(ids * blocks + block[:, None])  # n-grams, block by block
    ngrams, spread = np.unique(occurrences // blocks, return_counts=True)
    exclusive = occurrences[spread[np.searchsorted(ngrams, occurrences // blocks)] == 1] % blocks
    lost = np.bincount(exclusive, minlength=blocks)  # n-grams that only this block has
    remaining = ids.size - np.bincount(block, minlength=blocks) * ids.shape[1]
    left_out = (len(ngrams) - lost) / remaining
    error = float(jackknife_error(left_out))
    return Row(f"distinct_{order}", len(ngrams) / ids.size, error, ids.size)


def _number_ngrams(tokens: np.ndarray, order: int) -> np.ndarray:
    """Number the n-grams of every sample, [N, d - n + 1]; equal ones have equal numbers."""
    numbers = tokens.astype(np.int64)
    base = numbers.max() + 1
    ids = numbers
    for place in range(1, order):
        pairs = ids[:, :-1] * base + numbers[:, place:]
        ids = np.unique(pairs, return_inverse=True)[1].reshape(pairs.shape)
    return ids
