"""Validation, test and nested training sets of distinct strings, by their place in an order.

The strings are read in one order: validation, test, then training. A training set is the first P
strings of its part, so a larger one contains a smaller one and none shares a string with validation
or test. "Online" training reads string after string, and again only after the last.

Where rules are equally likely, the order is a permutation of all strings. Elsewhere strings are
drawn independently by the probabilities of the rules, and the order is that of first appearances:
so frequent strings come early, as in sets of distinct strings that were collected one by one. Each
string counts once, so the larger a training set is, the less are its rules as frequent as those of
the grammar, which the exact denoiser knows; see `training_rule_usage_divergence`.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms
from pipeline.measurement.numbering import number_rows
from pipeline.rhm.grammar.derivation import choice_radices, derive, draw_choices
from pipeline.rhm.grammar.frequencies import effective_string_count
from pipeline.rhm.grammar.rules import Grammar
from pipeline.rhm.strings.permutation import MixedRadixPermutation

_CHUNK = 2**14
"""Strings that are made at once: four million together would need a gigabyte on the way."""
_LARGEST_SHARE = 0.75
"""Of the effective number of strings, N: by the inequality of Cauchy and Schwarz, n strings have at
most the probability sqrt(n / N), so that every draw brings a new one with 0.13 or more."""


def most_strings(grammar: Grammar) -> float:
    """Number of distinct strings that may be asked for: all, or what draws bring in fair time."""
    if grammar.has_equal_rules:
        return grammar.string_count
    return _LARGEST_SHARE * effective_string_count(grammar)


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
        if not self.grammar.has_equal_rules:
            return self._first_appearances(numbers.stop)[numbers.start :]
        order = self.permutation
        strings = np.empty((len(numbers), self.grammar.length), np.uint8)
        for start in range(0, len(numbers), _CHUNK):
            digits = order.digits(self._positions(numbers[start : start + _CHUNK]))
            strings[start : start + _CHUNK] = derive(self.grammar, digits)
        return strings

    def _first_appearances(self, count: int) -> np.ndarray:
        """The first distinct strings among independent draws, uint8 [count, d]."""
        most = most_strings(self.grammar)
        if count > most:
            raise PipelineError(
                f"{count} distinct strings of a grammar are asked for, whose unequal rules give "
                f"{int(most)} in fair time; choose smaller datasets or held-out sets"
            )
        found, drawn = np.empty((0, self.grammar.length), np.uint8), 0
        while len(found) < count:
            # As many again as were found, so that sorting takes no longer than drawing.
            stop = drawn + max(_CHUNK, len(found))
            draws = [self._draws(start) for start in range(drawn, stop, _CHUNK)]
            found = np.concatenate([found, *draws])
            _, first = np.unique(number_rows(found), return_index=True)
            found, drawn = found[np.sort(first)], drawn + _CHUNK * len(draws)
        return found[:count]

    def _draws(self, start: int) -> np.ndarray:
        """Draws number `start` and following ones, uint8 [_CHUNK, d]."""
        numbers = np.arange(start, start + _CHUNK)[:, None]
        draws = uniforms(self.key, numbers, np.arange(len(choice_radices(self.grammar))))
        none = np.empty((_CHUNK, 0), np.int64)
        return derive(self.grammar, draw_choices(self.grammar, draws, none))

    def _positions(self, numbers: range) -> np.ndarray:
        """Places of strings in the order: training strings come again, after the last of them."""
        positions = np.arange(numbers.start, numbers.stop)
        available = self.grammar.string_count - self._held_out
        if numbers.stop - self._held_out > available:
            positions = self._held_out + (positions - self._held_out) % available
        return positions
