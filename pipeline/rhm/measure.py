"""Observables of the Random Hierarchy Model: rules obeyed, copies, mode collapse, correlations."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from pipeline.base.section import Section
from pipeline.base.types import Values
from pipeline.measurement.coherence import RealCorrelations, coherence_rows
from pipeline.measurement.correlation import (
    PairCounts,
    projections,
    squared_correlations,
    weighted_projection,
)
from pipeline.measurement.estimate import Row
from pipeline.rhm.estimators.accuracy import accuracies
from pipeline.rhm.estimators.collapse import coverage, rule_usage, training_rule_usage
from pipeline.rhm.estimators.creativity import creativity
from pipeline.rhm.estimators.novelty import copying, novel_subtrees, novelty
from pipeline.rhm.grammar.correlations import common_ancestor_level, joint_excess
from pipeline.rhm.grammar.frequencies import seen_share, unseen_frequencies
from pipeline.rhm.grammar.parsing import Parse, parse
from pipeline.rhm.grammar.rules import Grammar, load_grammar
from pipeline.rhm.settings import Measurement, TrainSettings

KIND, KNOWN = "samples", "dataset"
TRAINED: type[TrainSettings] = TrainSettings


def load_sources(sources: Sequence[Path], _settings: Section) -> list[Grammar]:
    """Grammars of the replicas."""
    return [load_grammar(path)[0] for path in sources]


def observe(
    grammar: Grammar,
    generated: Mapping[str, np.ndarray],
    strings: Mapping[str, np.ndarray],
    settings: Measurement,
) -> Iterator[Row]:
    """All rows of one replica at one checkpoint.

    Args:
        grammar: that of the replica.
        generated: `tokens` [N, d].
        strings: its training set [P, d] so far, `validation` and `test` strings.
        settings: of the stage.
    """
    samples, blocks = generated["tokens"], settings.jackknife_blocks
    parsed, known = parse(grammar, samples), np.unique(strings["training"], axis=0)
    novel = novel_subtrees(samples, known, grammar.branching)
    yield from accuracies(parsed, novel)
    yield from creativity(grammar, parsed, novel, known)
    yield from _memorization(grammar, samples, known, parsed, novel[-1][:, 0], blocks)
    yield from _correlations(grammar, samples, novel[-1][:, 0], settings)
    held_out, distances = (strings["test"], strings["validation"]), range(1, grammar.length)
    real = RealCorrelations.of(*held_out, grammar.symbols, distances, settings)
    yield from coherence_rows(samples, real, settings)


def _memorization(
    grammar: Grammar, samples: np.ndarray, known: np.ndarray, parsed: Parse, novel: np.ndarray,
    blocks: int,
) -> Iterator[Row]:  # fmt: skip
    """Copies, and mode collapse among what is not copied; `known` are distinct training strings."""
    valid = parsed.valid(grammar.depth)[:, 0]
    yield from novelty(samples, novel, valid)
    seen = parse(grammar, known)
    yield copying(novel, valid, seen_share(grammar, seen))
    yield coverage(samples, valid & novel, unseen_frequencies(grammar, seen), blocks)
    yield from rule_usage(parsed, novel, grammar.probabilities, blocks)
    yield from training_rule_usage(seen, grammar.probabilities)


def _correlations(
    grammar: Grammar, samples: np.ndarray, novel: np.ndarray, settings: Measurement
) -> Iterator[Row]:
    """Rows of all samples, and of novel ones only how far they correlate like the data.

    Novel ones count apart, as copies correlate like the data as far as strings reach.
    """
    labels, groups = _pair_groups(grammar)
    exact, blocks = _exact_excess(grammar), settings.jackknife_blocks
    counts = PairCounts.of(samples, grammar.symbols, blocks)
    squared = squared_correlations(counts, groups, settings.random_halves)
    for (estimate, error), label in zip(squared, labels, strict=True):
        yield Row("squared_correlation", estimate, error, counts.size * blocks, **label)
    for level, pairs in enumerate(groups[: grammar.depth], 1):
        first, second = pairs.T
        square = float(np.square(exact[first, :, second]).mean())
        yield Row("exact_squared_correlation", square, 0.0, counts.size * blocks, level=level)
    by_level, met = groups[: grammar.depth], _tokens_met(grammar)
    yield from _projections(counts, exact, by_level, met, "all")
    counts = PairCounts.of(samples[novel], grammar.symbols, blocks)
    yield from _projections(counts, exact, by_level, met, "novel_strings")


def _projections(
    counts: PairCounts, exact: np.ndarray, by_level: list[np.ndarray], met: list[int], among: str
) -> Iterator[Row]:
    """Correlation ratios of every level and the coherence length; NaN with empty blocks."""
    used = counts.size * len(counts.joint)
    ratios, length = [(np.nan, np.nan)] * len(by_level), (np.nan, np.nan)
    if used:
        ratios = projections(counts, exact, by_level)
        others, error = weighted_projection(counts, exact, by_level, met)
        length = 1 + others, error
    for level, (estimate, error) in enumerate(ratios, 1):
        yield Row("correlation_ratio", estimate, error, used, among, level)
    yield Row("coherence_length", *length, used, among)


def _tokens_met(grammar: Grammar) -> list[int]:
    """How many tokens meet a given one at each level 1..L.

    Weighted by these, correlation ratios add up to the coherence length, less the token itself:
    s**l if tokens that meet up to level l correlate as in the data and others not at all.
    """
    s = grammar.branching
    return [s**level - s ** (level - 1) for level in range(1, grammar.depth + 1)]


def _pair_groups(grammar: Grammar) -> tuple[list[Values], list[np.ndarray]]:
    """Position pairs by the level at which they meet, then by their distance."""
    pairs = np.array(list(combinations(range(grammar.length), 2)))
    meets = np.array([common_ancestor_level(grammar.branching, i, j) for i, j in pairs])
    distances = pairs[:, 1] - pairs[:, 0]
    labels = [{"level": level} for level in range(1, grammar.depth + 1)]
    labels += [{"distance": distance} for distance in range(1, grammar.length)]
    groups = [pairs[meets == level] for level in range(1, grammar.depth + 1)]
    groups += [pairs[distances == distance] for distance in range(1, grammar.length)]
    return labels, groups


def _exact_excess(grammar: Grammar) -> np.ndarray:
    d, v = grammar.length, grammar.symbols
    excess = np.zeros((d, v, d, v))
    for i, j in combinations(range(d), 2):
        excess[i, :, j, :] = joint_excess(grammar, i, j)
    return excess
