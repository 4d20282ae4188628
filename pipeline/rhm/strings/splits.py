"""Validation, test and nested training sets of distinct strings, by their place in a permutation.

The permuted strings are read in one order: validation, test, then training. A training set is the
first P strings of its part, so a larger one contains a smaller one and none shares a string with
validation or test. "Online" training reads string after string, and again only after the last.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.base.randomness import stream_key
from pipeline.rhm.grammar.derivation import choice_radices, derive
from pipeline.rhm.grammar.rules import Grammar
from pipeline.rhm.strings.permutation import MixedRadixPermutation

_CHUNK = 2**14
"""Strings that are made at once: four million together would need a gigabyte on the way."""


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
        return self._strings(range(self.validation_size))

    def test(self) -> np.ndarray:
        """Test strings, uint8 [test_size, d]."""
        return self._strings(range(self.validation_size, self._held_out))

    def training(self, start: int, stop: int) -> np.ndarray:
        """Training strings number `start` to `stop`, uint8 [stop - start, d]."""
        return self._strings(range(self._held_out + start, self._held_out + stop))

    @property
    def _held_out(self) -> int:
        return self.validation_size + self.test_size

    @property
    def permutation(self) -> MixedRadixPermutation:
        """The order in which strings are handed out."""
        return MixedRadixPermutation(choice_radices(self.grammar), self.key)

    def _strings(self, numbers: range) -> np.ndarray:
        order = self.permutation
        strings = np.empty((len(numbers), self.grammar.length), np.uint8)
        for start in range(0, len(numbers), _CHUNK):
            digits = order.digits(self._positions(numbers[start : start + _CHUNK]))
            strings[start : start + _CHUNK] = derive(self.grammar, digits)
        return strings

    def _positions(self, numbers: range) -> np.ndarray:
        """Places of strings in the order: training strings come again, after the last of them."""
        positions = np.arange(numbers.start, numbers.stop)
        available = self.grammar.string_count - self._held_out
        if numbers.stop - self._held_out > available:
            positions = self._held_out + (positions - self._held_out) % available
        return positions
