"""Mode collapse, which accuracy cannot see: few different strings, synonyms used unevenly."""

from collections.abc import Iterator

import numpy as np
from scipy.special import rel_entr

from pipeline.measurement.estimate import Row, block_numbers, jackknife_error
from pipeline.measurement.numbering import number_rows
from pipeline.rhm.grammar.parsing import Parse


def coverage(
    samples: np.ndarray, chosen: np.ndarray, unseen: tuple[np.ndarray, np.ndarray], blocks: int
) -> Row:
    """Row of the number of distinct valid novel strings, over that of independent draws.

    1 for a sampler that is perfect on what it has not seen; but k such samples can tell only of a
    collapse to about k**2 strings or fewer, for beyond hardly any string comes up twice. The error
    is jackknifed over blocks; for a number of distinct strings this error is too large rather than
    too small (Efron & Stein 1981), by up to a factor sqrt(2) where all strings are equally likely.

    Args:
        samples: tokens [N, d].
        chosen: samples that are valid and novel, bool [N].
        unseen: probabilities of valid strings that are not in the training set, and how many have
            each of them: for M equally likely ones, 1/M and M.
        blocks: of samples.
    """
    k = int(chosen.sum())
    if k == 0:
        return Row("coverage", float("nan"), float("nan"), 0, "novel_strings")
    block = block_numbers(len(samples), blocks)[chosen]
    strings, number = np.unique(number_rows(samples[chosen]), return_inverse=True)
    first, last = np.full(len(strings), blocks), np.full(len(strings), -1)
    np.minimum.at(first, number, block)
    np.maximum.at(last, number, block)
    lost = np.bincount(first[first == last], minlength=blocks)  # strings of that block alone
    sizes = np.bincount(block, minlength=blocks)
    lost, sizes = lost[sizes > 0], sizes[sizes > 0]
    error = float("nan")
    if len(sizes) > 1:
        left_out = (len(strings) - lost) / _expected_distinct(k - sizes, *unseen)
        error = float(jackknife_error(left_out))
    (expected,) = _expected_distinct(np.array([k]), *unseen)
    return Row("coverage", float(len(strings) / expected), error, k, "novel_strings")


def rule_usage(
    parsed: Parse, novel: np.ndarray, probabilities: np.ndarray, blocks: int
) -> Iterator[Row]:
    """Rows of `rule_usage_divergence`, level by level, among all samples and novel strings.

    The Kullback-Leibler divergence, in nats, from the use that the grammar makes of the synonyms of
    a symbol, averaged over the symbols as often as they are used; of equally likely rules, ln m
    less the conditional entropy of the rule given the symbol. Counted over nodes whose subtree
    parses.

    The plug-in is too large by (m - 1) / (2 n) for a symbol with n independent nodes (Miller 1955),
    and by more where the nodes of a string depend on one another. So the bias is taken out by the
    jackknife over blocks of strings, which agrees with that formula to first order and also gives
    the error. Estimates can come out a little below zero. NaN with fewer nodes than rules.

    Args:
        parsed: trees of N strings.
        novel: strings that are not in the training set, bool [N].
        probabilities: of the grammar's rules, [L, v, m].
        blocks: of samples.
    """
    block = block_numbers(len(novel), blocks)
    for level, true in enumerate(probabilities, 1):
        for among, chosen in (("all", np.ones_like(novel)), ("novel_strings", novel)):
            counts = _rule_counts(parsed, level, chosen, block, (blocks, *true.shape))
            estimate, error = _debiased(counts, true)
            yield Row("rule_usage_divergence", estimate, error, int(counts.sum()), among, level)


def training_rule_usage(parsed: Parse, probabilities: np.ndarray) -> Iterator[Row]:
    """Rows of `training_rule_usage_divergence`: what samples have that are like the training set.

    Not debiased and without an error, for the training set is all that a model gets to see: few
    strings use their rules unevenly, and so does a perfect copy of them.

    Args:
        parsed: trees of the distinct training strings.
        probabilities: of the grammar's rules, [L, v, m].
    """
    every = np.ones(len(parsed.symbols[0]), dtype=bool)
    for level, true in enumerate(probabilities, 1):
        counts = _rule_counts(parsed, level, every, np.zeros(len(every), int), true.shape)
        name, n = "training_rule_usage_divergence", int(counts.sum())
        yield Row(name, float(_mean_divergence(counts, true)), float("nan"), n, "all", level)


def _expected_distinct(
    draws: np.ndarray, probabilities: np.ndarray, strings: np.ndarray
) -> np.ndarray:
    """Expected number of distinct ones among independent draws, sum of n (1 - (1 - p)**k), [...].

    Args:
        draws: their numbers k, [...].
        probabilities: p of a string of each class, [classes].
        strings: how many n each class has, [classes].
    """
    with np.errstate(divide="ignore"):  # the logarithm of 0, where there is one string
        return -(strings * np.expm1(draws[..., None] * np.log1p(-probabilities))).sum(axis=-1)


def _rule_counts(
    parsed: Parse, level: int, chosen: np.ndarray, block: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """How often each rule of a level is used in the chosen strings, [(blocks,) v, m]."""
    nodes = parsed.valid(level) & chosen[:, None]
    symbol, rule = parsed.symbols[level][nodes], parsed.rules[level - 1][nodes]
    of_block = np.broadcast_to(block[:, None], nodes.shape)[nodes]
    *_, v, m = shape
    codes = (of_block * v + symbol) * m + rule
    return np.bincount(codes, minlength=np.prod(shape)).reshape(shape)


def _debiased(counts: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Divergence from use [v, m] less its jackknifed bias, and its error, by counts [blocks, v, m].

    Each symbol is debiased over the blocks that it occurs in; one in a single block tells nothing.
    """
    blocks = counts.any(axis=2).sum(axis=0)
    if counts.sum() < counts[0].size or (blocks < 2).all():
        return float("nan"), float("nan")
    counts, true, blocks = counts[:, blocks > 1], true[blocks > 1], blocks[blocks > 1]
    whole = counts.sum(axis=0)
    left_out = whole - counts
    divergence = _divergence(whole, true)
    # (blocks - 1) times (mean without a block - whole); blocks without the symbol add nothing
    bias = (blocks - 1) / blocks * (_divergence(left_out, true) - divergence).sum(axis=0)
    estimate = np.average(divergence - bias, weights=whole.sum(axis=1))
    return float(estimate), float(jackknife_error(_mean_divergence(left_out, true)))


def _mean_divergence(counts: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Plug-in divergence averaged over symbols as often as they are used, [..., v, m] to [...]."""
    of_symbol = counts.sum(axis=-1)
    return (_divergence(counts, true) * of_symbol).sum(axis=-1) / of_symbol.sum(axis=-1)


def _divergence(counts: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Plug-in divergence from true use of rules [v, m], [..., v, m] to [..., v]; 0 for no use."""
    total = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return rel_entr(counts / total, true).sum(axis=-1) * counts.any(axis=-1)
