"""The first strings of every checkpoint as trees: which subtrees are valid, and which are new."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.rhm.estimators.novelty import novel_subtrees
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar
from pipeline.rhm.measure import KIND, KNOWN, TRAINED, load_sources
from pipeline.rhm.settings import ShownStrings

__all__ = ["KIND", "KNOWN", "TRAINED", "Node", "load_sources", "observe"]


@dataclass(frozen=True)
class Node:
    """A node of the tree above a generated string.

    Attributes:
        sample: number of the string, from 0.
        level: of the node, 0 for tokens.
        node: its place in the level, from the left, from 0.
        symbol: from 0; None where the tokens below are no subtree of the grammar.
        novel: whether these tokens stand nowhere in the training set; of single tokens never.
    """

    sample: int
    level: int
    node: int
    symbol: int | None
    novel: bool


def observe(
    grammar: Grammar,
    generated: Mapping[str, np.ndarray],
    strings: Mapping[str, np.ndarray],
    settings: ShownStrings,
) -> Iterator[Node]:
    """All nodes above the first strings of one replica at one checkpoint.

    Args:
        grammar: that of the replica.
        generated: `tokens` [N, d].
        strings: its training set [P, d] so far.
        settings: how many strings are shown.
    """
    samples = generated["tokens"][: settings.shown_strings]
    symbols = parse(grammar, samples).symbols
    novel = [np.zeros(samples.shape, dtype=bool)]
    novel += novel_subtrees(samples, strings["training"], grammar.branching)
    for level, (of_level, new) in enumerate(zip(symbols, novel, strict=True)):
        for (sample, node), symbol in np.ndenumerate(of_level):
            known = int(symbol) if symbol >= 0 else None
            yield Node(sample, level, node, known, bool(new[sample, node]))
