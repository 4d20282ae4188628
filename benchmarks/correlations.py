"""Correlations and rule accuracy of many strings, against loops over positions and rules."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from benchmarks.contest import Contest, Side
from pipeline.measurement.correlation import PairCounts, squared_correlations
from pipeline.rhm.estimators.accuracy import accuracies
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar, sample_rules
from pipeline.rhm.strings.splits import StringSource

V, M, S, L = 16, 4, 2, 3
STRINGS, BLOCKS, RANDOM_HALVES = 2**18, 32, 20
DISTANCES = range(1, S**L)


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    grammar = sample_rules(V, M, S, L, seed=0)
    tokens = corrupted(grammar, STRINGS)
    yield Contest(
        f"C(t) of {STRINGS} strings, d={S**L}",
        Side("bincounts of blocks", lambda: correlations(tokens)),
        Side("histogram2d per pair of positions", lambda: plain_correlations(tokens)),
        STRINGS,
        "strings",
        10.0,
        f"ours without bias, with error bars: {BLOCKS} blocks, {RANDOM_HALVES} random halves",
    )
    yield Contest(
        f"accuracy of {STRINGS} strings, every level",
        Side("tables of all tuples", lambda: node_accuracies(grammar, tokens)),
        Side("comparison with every rule", lambda: plain_accuracies(grammar, tokens)),
        STRINGS,
        "strings",
        10.0,
        "ours has accuracies of nodes, strings and given children, with error bars",
    )


def corrupted(grammar: Grammar, count: int) -> np.ndarray:
    """Strings of which one token in 10 is replaced, uint8 [count, d]."""
    strings = StringSource.of_seeds(grammar, 0, 0, 0, 0).training(0, count)
    random = np.random.default_rng(0)
    replaced = random.random(strings.shape) < 0.1
    return np.where(replaced, random.integers(V, size=strings.shape, dtype=np.uint8), strings)


def correlations(tokens: np.ndarray) -> list[tuple[float, float]]:
    """Mean of J**2 at every distance, with its error, as stage `measure` has them."""
    pairs = np.array(list(combinations(range(tokens.shape[1]), 2)))
    groups = [pairs[pairs[:, 1] - pairs[:, 0] == distance] for distance in DISTANCES]
    return squared_correlations(PairCounts.of(tokens, V, BLOCKS), groups, RANDOM_HALVES)


def plain_correlations(tokens: np.ndarray) -> list[float]:
    """The plug-in estimate."""
    found = []
    for distance in DISTANCES:
        squares = []
        for i in range(tokens.shape[1] - distance):
            edges = np.arange(V + 1)
            joint = np.histogram2d(tokens[:, i], tokens[:, i + distance], bins=(edges, edges))[0]
            joint /= len(tokens)
            excess = joint - np.outer(joint.sum(axis=1), joint.sum(axis=0))
            squares.append((excess**2).mean())
        found.append(np.mean(squares))
    return found


def node_accuracies(grammar: Grammar, tokens: np.ndarray) -> dict[int, float]:
    """Share of right nodes by level, among all that stage `measure` says."""
    parsed = parse(grammar, tokens)
    everything = [np.ones_like(parsed.valid(level)) for level in range(1, L + 1)]
    rows = list(accuracies(parsed, everything))
    chosen = [row for row in rows if (row.quantity, row.among) == ("node_accuracy", "all")]
    return {row.level: row.estimate for row in chosen}


def plain_accuracies(grammar: Grammar, tokens: np.ndarray) -> dict[int, float]:
    """The same shares: every node against every rule of its level."""
    found, symbols = {}, tokens.astype(int)
    for level, rules in enumerate(grammar.rules, start=1):
        parents = np.full((len(tokens), symbols.shape[1] // S), -1)
        for node in range(parents.shape[1]):
            children = symbols[:, node * S : (node + 1) * S]
            for symbol in range(V):
                for rule in rules[symbol]:
                    parents[(children == rule).all(axis=1), node] = symbol
        found[level], symbols = float((parents >= 0).mean()), parents
    return found
