"""Longest runs of tokens that samples share with the training set, and which samples are copies."""

from collections.abc import Iterator

import numpy as np

from pipeline.artifacts.chosen_rows import Strings
from pipeline.measurement.estimate import Row

_BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
"""Odd, so that no power of it is 0 modulo 2**64."""
_FIRST_BITS = 24
_OTHER_BITS = np.uint64(64 - _FIRST_BITS)
_CHUNK = 2**22
"""Tokens of training text whose hashes are in memory at a time, 8 bytes each."""


def usual_run(runs: np.ndarray, real_copies: float) -> int:
    """Tokens of the longest run that is usual: hardly any held-out text shares a longer one.

    Args:
        runs: longest runs that held-out text shares, int [M], with all blocks that there are to
            train on, so that what counts as a copy does not depend on how many of them a model was
            trained on.
        real_copies: share of held-out text that may share a longer run.
    """
    return int(np.quantile(runs, 1 - real_copies, method="higher"))


def copied_rows(longest: np.ndarray, usual: int) -> Iterator[Row]:
    """Rows of the mean of the longest runs of samples, int [N], and of the share of copies."""
    for name, values in (
        ("longest_copied_span", longest),
        ("copied_fraction", longest > usual),
    ):
        error = values.std(ddof=1) / np.sqrt(len(values))
        yield Row(name, float(values.mean()), float(error), len(values))
    yield Row("usual_copied_span", float(usual), 0.0, len(longest))


def longest_shared_runs(samples: np.ndarray, training: Strings) -> np.ndarray:
    """Tokens of the longest run of each sample that stands within a training block, int [N].

    Training blocks are read chunk by chunk, as all of their hashes may be larger than memory.

    Runs are told apart by 64-bit polynomial hashes. The chance that any of 10^9 comparisons takes
    two different runs for equal is about 1 in 10^10.

    Args:
        samples: tokens [N, d].
        training: tokens [P, d'].
    """
    ours, longest = _Hashes(samples), np.zeros(len(samples), dtype=int)
    blocks, length = training.shape
    chunk = max(1, _CHUNK // length)
    for start in range(0, blocks, chunk):
        theirs = _Hashes(training[start : start + chunk])
        longest = _lengthened(longest, ours, theirs, min(samples.shape[1], length))
    return longest


def _lengthened(known: np.ndarray, ours: "_Hashes", theirs: "_Hashes", most: int) -> np.ndarray:
    """Tokens of the longest run of each of our rows that is in any of theirs, if not `known`."""
    low, high = known, np.full(len(known), most)
    middle = np.minimum(low + 1, high)  # most rows share no longer run with another chunk
    while (low < high).any():
        shared = np.zeros(len(known), dtype=bool)
        for length in np.unique(middle[low < high]):
            rows = (middle == length) & (low < high)
            sought, there = ours.runs(int(length), rows), theirs.runs(int(length))
            met = there[_contained(there, sought)]
            shared[rows] = _contained(sought, met).any(axis=1)
        low, high = (
            np.where(shared, middle, low),
            np.where(shared, high, np.maximum(middle - 1, low)),
        )
        # A run of n tokens holds runs of all lengths below n, so lengths can be halved.
        middle = (low + high + 1) // 2
    return low


class _Hashes:
    """Hashes of all runs of tokens in rows: sums of (token + 1) x base**place, modulo 2**64."""

    def __init__(self, tokens: np.ndarray) -> None:
        self._prefix = np.zeros((len(tokens), tokens.shape[1] + 1), dtype=np.uint64)
        for place in range(tokens.shape[1]):
            token = tokens[:, place].astype(np.uint64) + np.uint64(1)
            self._prefix[:, place + 1] = self._prefix[:, place] * _BASE + token

    def runs(self, length: int, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Hashes of runs of so many tokens, uint64 [rows, d - length + 1]."""
        prefix, power = self._prefix[rows], np.uint64(pow(int(_BASE), length, 2**64))
        return prefix[:, length:] - prefix[:, :-length] * power


def _contained(numbers: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which of many uint64 numbers are among others, bool of the shape of `numbers`.

    Most are told apart by their first bits, which none of the others has: to look those up takes a
    tenth of the time that a search takes.
    """
    others = np.sort(among, axis=None)
    starts = np.zeros(2**_FIRST_BITS, dtype=bool)
    starts[others >> _OTHER_BITS] = True
    found = starts[numbers >> _OTHER_BITS]
    candidates = numbers[found]
    places = np.searchsorted(others, candidates).clip(max=len(others) - 1)
    found[found] = others[places] == candidates
    return found
