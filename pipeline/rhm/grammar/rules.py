"""Production rules of the Random Hierarchy Model (Cagnetta et al., PRX 14, 031001).

Levels run from 0 (tokens) to L (root). The rules of level l map a level-l symbol to `m` tuples of
`s` level-(l-1) symbols, its synonyms; no tuple has two parents. They are drawn uniformly without
replacement, independently at every level, and hold at every position of the level.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.base.spec import Spec
from pipeline.rhm.settings import RandomGrammar


@dataclass(frozen=True)
class Grammar:
    """Rules, int64 [L, v, m, s]: `rules[l - 1, a, j]` is the j-th tuple of level-l symbol a."""

    rules: np.ndarray

    @property
    def depth(self) -> int:
        """Number of levels of rules, L."""
        return self.rules.shape[0]

    @property
    def symbols(self) -> int:
        """Number of symbols at every level, v."""
        return self.rules.shape[1]

    @property
    def synonyms(self) -> int:
        """Number of tuples of each symbol, m."""
        return self.rules.shape[2]

    @property
    def branching(self) -> int:
        """Number of children of a node, s."""
        return self.rules.shape[3]

    @property
    def length(self) -> int:
        """Number of tokens of a string, d = s**L."""
        return self.branching**self.depth

    @property
    def string_count(self) -> int:
        """Number of distinct strings, P_max = v * m**((s**L - 1) / (s - 1))."""
        return string_count(self.symbols, self.synonyms, self.branching, self.depth)

    @cached_property
    def inverse(self) -> np.ndarray:
        """Array [L, v**s]: for each tuple code `parent * m + rule`, or -1 for an invalid tuple."""
        codes = self.tuple_codes(self.rules).reshape(self.depth, -1)
        table = np.full((self.depth, self.symbols**self.branching), -1, dtype=np.int64)
        np.put_along_axis(table, codes, np.arange(codes.shape[1])[None], axis=1)
        return table

    def tuple_codes(self, tuples: np.ndarray) -> np.ndarray:
        """Number tuples [..., s] by reading them in base v: integers below v**s."""
        weights = self.symbols ** np.arange(self.branching - 1, -1, -1)
        return tuples @ weights


def string_count(v: int, m: int, s: int, L: int) -> int:
    """Number of distinct strings of a grammar, exact at any size."""
    return v * m ** ((s**L - 1) // (s - 1))


def sample_rules(v: int, m: int, s: int, L: int, seed: int) -> Grammar:
    """Draw a grammar.

    Raises:
        PipelineError: v * m tuples without a common parent do not exist.
    """
    if v * m > v**s:
        raise PipelineError(
            f"grammar v={v}, m={m}, s={s}: m must be at most v**(s-1) = {v ** (s - 1)}"
        )
    codes = np.stack([permutation(v**s, seed, "grammar", level)[: v * m] for level in range(L)])
    digits = [codes // v**power % v for power in range(s - 1, -1, -1)]
    return Grammar(np.stack(digits, axis=-1).reshape(L, v, m, s))


def make_grammar(spec: Spec[RandomGrammar], output: Path) -> None:
    """Stage `grammar`: draw the rules that the settings describe and save them."""
    grammar = sample_rules(**dict(spec.settings))
    write_tensors(
        output, {"rules": grammar.rules.astype(np.uint8)}, make_stamp("grammar", spec, {})
    )


def load_grammar(path: Path) -> tuple[Grammar, str]:
    """Read a grammar and its content hash."""
    artifact = read_tensors(path, "grammar")
    return Grammar(artifact.tensors["rules"].astype(np.int64)), artifact.sha256
