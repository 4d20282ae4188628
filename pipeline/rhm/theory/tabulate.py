"""Stage `theory`: what clustering, one step and exact correlations say of a grammar's parameters.

A class of level l holds synonyms among level-l tuples; to learn the rules of level l + 1 one needs
these classes.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.randomness import stream_key
from pipeline.base.spec import Spec
from pipeline.base.types import Values
from pipeline.rhm.grammar.correlations import common_ancestor_level, joint_excess
from pipeline.rhm.grammar.rules import Grammar, load_grammar, sample_rules
from pipeline.rhm.settings import GrammarParameters, TheorySettings
from pipeline.rhm.strings.splits import StringSource
from pipeline.rhm.theory.clustering import class_accuracy, cluster_tuples, tuple_coverage
from pipeline.rhm.theory.one_step import update_similarity

_GRAMMAR = ["v", "m", "s", "L"]
_VALUES = ["quantity", "level", "estimate", "standard_error", "count"]
_COLUMNS = [*_GRAMMAR, "grammar_seed", "data_seed", "dataset_size", *_VALUES]


def tabulate(spec: Spec[TheorySettings], sources: Sequence[Path], output: Path) -> None:
    """Tabulate one setting: grammars from `sources` by dataset size, and correlations of others.

    Args:
        spec: spec of the stage.
        sources: grammars of the setting, one per grammar seed.
        output: Parquet file of one row per grammar and estimate. Exact correlations depend on no
            training set, and have no data seed or dataset size.
    """
    settings = spec.settings
    parameters = GrammarParameters.of(settings.grammar).plain()
    rows, inputs = [], {}
    for path, seed in zip(sources, settings.grammar_seeds, strict=True):
        grammar, inputs[path.name] = load_grammar(path)
        rows += [{"grammar_seed": seed, **row} for row in learning_curves(grammar, seed, settings)]
    for seed in range(settings.correlation_grammars):
        grammar = sample_rules(**parameters, seed=seed, rule_frequencies=settings.rule_frequencies)
        rows += [{"grammar_seed": seed, **row} for row in squared_correlations(grammar)]
    frame = pd.DataFrame([{**parameters, **row} for row in rows], columns=_COLUMNS)
    frame = frame.astype({"data_seed": "Int64"})  # which may be missing
    tables.write_table(output, frame, make_stamp("theory", spec, inputs))


def learning_curves(
    grammar: Grammar, grammar_seed: int, settings: TheorySettings
) -> Iterator[Values]:
    """Rows of every dataset size, on the strings that networks are trained and tested on."""
    held_out = settings.validation_size, settings.test_size
    data_seed = settings.data_seed
    source = StringSource.of_seeds(grammar, grammar_seed, data_seed, *held_out)
    sizes = [size for size in settings.grammar.dataset_sizes if isinstance(size, int)]
    training, test = source.training(0, max(sizes)), source.test()
    key = stream_key(grammar_seed, data_seed, "theory")
    for size in sizes:
        place = {"data_seed": data_seed, "dataset_size": str(size)}
        for row in _of_clustering(grammar, training[:size], test, key):
            yield place | row
        for row in _of_one_step(grammar, training[:size], settings.width, key):
            yield place | row


def squared_correlations(grammar: Grammar) -> Iterator[Values]:
    """Exact mean over symbol pairs, and over all pairs of tokens that meet at a level, L rows."""
    pairs = list(combinations(range(grammar.length), 2))
    meets = [common_ancestor_level(grammar.branching, *pair) for pair in pairs]
    squares = np.array([np.square(joint_excess(grammar, *pair)).mean() for pair in pairs])
    for level in range(1, grammar.depth + 1):
        chosen = squares[np.array(meets) == level]
        yield _row("squared_correlation", level, chosen.mean(), 0, len(chosen) * grammar.symbols**2)


def _of_clustering(
    grammar: Grammar, training: np.ndarray, test: np.ndarray, key: int
) -> Iterator[Values]:
    shape = grammar.symbols, grammar.synonyms, grammar.branching
    classes = cluster_tuples(training, *shape, key)
    for level, found in enumerate(class_accuracy(classes, grammar, test), 1):
        yield _row("class_accuracy", level, *found, test.size // grammar.branching**level)
    coverage = tuple_coverage(grammar, training)
    yield _row("tuple_coverage", 1, coverage, 0, int(grammar.rule_counts[0].sum()))


def _of_one_step(grammar: Grammar, training: np.ndarray, width: int, key: int) -> Iterator[Values]:
    names = ("synonym_update_similarity", "other_update_similarity")
    for name, found in zip(names, update_similarity(grammar, training, width, key), strict=True):
        yield _row(name, 1, *found)


def _row(quantity: str, level: int, estimate: float, standard_error: float, count: int) -> Values:
    """One row; what is exact has a standard error of zero."""
    return dict(zip(_VALUES, (quantity, level, estimate, standard_error, count), strict=True))
