"""Validation, test and nested training sets of distinct strings, by their place in a permutation.

The permuted strings are read in one order: validation, test, then training. A training set is the
first P strings of its part, so a larger one contains a smaller one and none shares a string with
validation or test. "Online" training reads string after string, and again only after the last.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.datasets.permutation import MixedRadixPermutation
from pipeline.grammar.derivation import choice_radices, derive
from pipeline.grammar.rules import Grammar
from pipeline.randomness import stream_key


@dataclass(frozen=True)
class StringSource:
    """Distinct strings of one grammar in a seeded order.

    Attributes:
        grammar: the rules.
        key: stream key of the order.
        validation_size: number of strings of the validation set.
        test_size: number of strings of the test set.
    """

    grammar: Grammar
    key: int
    validation_size: int
    test_size: int

    @classmethod
    def of_seeds(
        cls,
        grammar: Grammar,
        grammar_seed: int,
        data_seed: int,
        validation_size: int,
        test_size: int,
    ) -> "StringSource":
        """Strings in the order of one grammar seed and data seed."""
        # of the grammar seed too: grammars must not share which rules their training sets cover
        key = stream_key(grammar_seed, data_seed, "strings")
        return cls(grammar, key, validation_size, test_size)

    def validation(self) -> np.ndarray:
        """Validation strings, uint8 [validation_size, d]."""
        return self._strings(np.arange(self.validation_size))

    def test(self) -> np.ndarray:
        """Test strings, uint8 [test_size, d]."""
        return self._strings(self.validation_size + np.arange(self.test_size))

    def training(self, start: int, stop: int) -> np.ndarray:
        """Training strings number `start` to `stop`, uint8 [stop - start, d]."""
        held_out = self.validation_size + self.test_size
        available = min(self.permutation.size - held_out, np.iinfo(np.int64).max)
        return self._strings(held_out + np.arange(start, stop) % available)

    @property
    def permutation(self) -> MixedRadixPermutation:
        """The order in which strings are handed out."""
        return MixedRadixPermutation(choice_radices(self.grammar), self.key)

    def _strings(self, positions: np.ndarray) -> np.ndarray:
        return derive(self.grammar, self.permutation.digits(positions))
