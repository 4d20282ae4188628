"""Production rules of the Random Hierarchy Model (Cagnetta et al., PRX 14, 031001).

Levels run from 0 (tokens) to L (root). The rules of level l map a level-l symbol to `m` tuples of
`s` level-(l-1) symbols, its synonyms; no tuple has two parents. They are drawn uniformly without
replacement, independently at every level, and hold at every position of the level. The rules of a
symbol are equally likely in the model; grammars whose rules are not are a test of what it says.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np

from pipeline.artifacts.tensors import make_stamp, read_tensors, refusal, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation, stream_key, uniforms
from pipeline.base.spec import Spec
from pipeline.rhm.settings import (
    EQUAL,
    EqualRules,
    RandomGrammar,
    RuleFrequencies,
    UnevenSynonyms,
    ZipfRules,
    frequency_problems,
)


@dataclass(frozen=True, eq=False)
class Grammar:
    """Rules and how likely they are; a grammar equals itself only.

    Attributes:
        rules: int64 [L, v, m, s]: `rules[l - 1, a, j]` is the j-th tuple of level-l symbol a.
        probabilities: of the rules of every symbol, float64 [L, v, m], with unit sum over rules. A
            tuple without probability is no rule, and stands behind all rules of its symbol.
    """

    rules: np.ndarray
    probabilities: np.ndarray

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
        """Number of tuples of each symbol, m; the largest, where numbers differ."""
        return self.rules.shape[2]

    @cached_property
    def rule_counts(self) -> np.ndarray:
        """Number of rules of each symbol, int64 [L, v]."""
        return np.count_nonzero(self.probabilities, axis=2)

    @cached_property
    def weights(self) -> np.ndarray:
        """Probabilities over 1/m, float64 [L, v, m]: exactly 1 where rules are equally likely."""
        return self.probabilities / (1 / self.synonyms)

    @cached_property
    def has_equal_rules(self) -> bool:
        """Whether all m rules of every symbol are equally likely."""
        return bool((self.weights == 1).all())

    def below(self, level: int) -> "Grammar":
        """Grammar of the rules of levels 1 to `level`."""
        return Grammar(self.rules[:level], self.probabilities[:level])

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
        """Number of distinct strings, P_max: v * m**((s**L - 1) / (s - 1)) with m rules each."""
        return self.subtree_counts[-1]

    @property
    def subtree_counts(self) -> list[int]:
        """For each level 0..L, how many distinct subtrees there are."""
        return [sum(counts) for counts in self.subtrees_of_symbols]

    @cached_property
    def subtrees_of_symbols(self) -> list[list[int]]:
        """For each level 0..L, how many distinct subtrees each symbol has, exact at any size."""
        v, m, s = self.rules.shape[1:]
        if (self.rule_counts == m).all():
            return [[m ** ((s**level - 1) // (s - 1))] * v for level in range(self.depth + 1)]
        of_symbols = [[1] * v]
        for rules, numbers in zip(self.rules.tolist(), self.rule_counts.tolist(), strict=True):
            below = of_symbols[-1]
            of_symbols.append([
                sum(prod(below[child] for child in rule) for rule in of_symbol[:number])
                for of_symbol, number in zip(rules, numbers, strict=True)
            ])  # fmt: skip
        return of_symbols

    @cached_property
    def inverse(self) -> np.ndarray:
        """Array [L, v**s]: for each tuple code `parent * m + rule`, or -1 for an invalid tuple."""
        codes = self.tuple_codes(self.rules).reshape(self.depth, -1)
        numbers = np.where(
            self.probabilities.reshape(codes.shape) > 0, np.arange(codes.shape[1]), -1
        )
        table = np.full((self.depth, self.symbols**self.branching), -1, dtype=np.int64)
        np.put_along_axis(table, codes, numbers, axis=1)
        return table

    def tuple_codes(self, tuples: np.ndarray) -> np.ndarray:
        """Number tuples [..., s] by reading them in base v: integers below v**s."""
        weights = self.symbols ** np.arange(self.branching - 1, -1, -1)
        return tuples @ weights


def sample_rules(
    v: int, m: int, s: int, L: int, seed: int, rule_frequencies: RuleFrequencies = EQUAL
) -> Grammar:
    """Draw a grammar; how frequent its rules are does not change which tuples they have.

    Raises:
        PipelineError: v * m tuples without a common parent do not exist, or the frequencies are of
            rules that the grammar has not.
    """
    if v * m > v**s:
        raise PipelineError(
            f"grammar v={v}, m={m}, s={s}: m must be at most v**(s-1) = {v ** (s - 1)}"
        )
    for problem in frequency_problems(rule_frequencies, m, L):
        raise PipelineError(f"grammar v={v}, m={m}, s={s}, L={L}: {problem}")
    codes = np.stack([permutation(v**s, seed, "grammar", level)[: v * m] for level in range(L)])
    digits = [codes // v**power % v for power in range(s - 1, -1, -1)]
    rules = np.stack(digits, axis=-1).reshape(L, v, m, s)
    return Grammar(rules, _probabilities(rule_frequencies, (L, v, m), seed))


def _probabilities(
    frequencies: RuleFrequencies, shape: tuple[int, int, int], seed: int
) -> np.ndarray:
    """Probabilities of rules, float64 [L, v, m]."""
    match frequencies:
        case EqualRules():
            ratios = np.ones(shape)
        case ZipfRules(level=level, exponent=exponent):
            ratios = np.ones(shape)
            ratios[level - 1] = np.arange(1, shape[2] + 1) ** -exponent
        case UnevenSynonyms(fewest=fewest):
            draws = uniforms(stream_key(seed, "synonyms"), *np.ogrid[: shape[0], : shape[1]])
            numbers = fewest + (draws * (shape[2] - fewest + 1)).astype(int)
            ratios = (np.arange(shape[2]) < numbers[..., None]).astype(float)
    return ratios / ratios.sum(axis=2, keepdims=True)


def make_grammar(spec: Spec[RandomGrammar], output: Path) -> None:
    """Stage `grammar`: draw the rules that the settings describe and save them."""
    grammar = sample_rules(**dict(spec.settings))
    tensors = {"rules": grammar.rules.astype(np.uint8), "probabilities": grammar.probabilities}
    write_tensors(output, tensors, make_stamp("grammar", spec, {}))


def load_grammar(path: Path) -> tuple[Grammar, str]:
    """Read a grammar and its content hash."""
    artifact = read_tensors(path, "grammar")
    rules, probabilities = (artifact.tensors.get(name) for name in ("rules", "probabilities"))
    if rules is None or probabilities is None:
        raise refusal(path, "is of an older version, which did not say how likely rules are")
    return Grammar(rules.astype(np.int64), probabilities), artifact.sha256
