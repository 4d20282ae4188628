"""The permutation of a mixed-radix space is exact, invertible and well spread."""

from collections import Counter
from itertools import product
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from pipeline.base.randomness import hash64
from pipeline.rhm.strings.permutation import MixedRadixPermutation, _group_into_limbs

RADICES_L5 = [16] + [4] * 31  # 2**66 strings
ROUNDS = 6
radices_lists = st.lists(st.integers(1, 6), min_size=2, max_size=6)
keys = st.integers(0, 2**64 - 1)


def feistel_position(radices, key, digits):
    """The position of one string of digits: the Feistel network undone, in exact integers."""
    limbs, rest = [], list(digits)
    groups = _group_into_limbs(radices)
    moduli = [prod(group) for group in groups]
    for group in groups:
        limbs.append(number(rest[: len(group)], group))
        rest = rest[len(group) :]
    for turn, index in reversed([*product(range(ROUNDS), range(len(limbs)))]):
        others = limbs[:index] + limbs[index + 1 :]
        shift = int(hash64(key, turn, index, *others)[0])
        limbs[index] = (limbs[index] - shift) % moduli[index]
    return number(limbs, moduli)


def number(digits, radices):
    """Mixed-radix number of digits, the least significant first."""
    return sum(int(d) * prod(radices[:place]) for place, d in enumerate(digits))


@given(radices_lists, keys)
@settings(max_examples=60, deadline=None)
@example([4, 1, 1], 0)
@example([1, 1], 0)
@example([2, 400, 3], 0)
def test_positions_and_digit_strings_correspond_one_to_one(radices, key):
    order = MixedRadixPermutation(radices, key)
    assert order.size == prod(radices)
    digits = order.digits(np.arange(order.size))
    assert digits.shape == (order.size, len(radices))
    assert (digits < np.array(radices)).all()
    assert len({tuple(row) for row in digits.tolist()}) == order.size


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=10), keys)
@settings(max_examples=30, deadline=None)
def test_the_round_trip_is_exact_beyond_64_bits(positions, key):
    order = MixedRadixPermutation(RADICES_L5, key)
    assert order.size == 2**66
    digits = order.digits(np.array(positions))
    assert [feistel_position(RADICES_L5, key, row) for row in digits] == positions


def test_the_first_strings_have_uniform_and_pairwise_independent_digits():
    order = MixedRadixPermutation(RADICES_L5, key=2)
    digits = order.digits(np.arange(40_000)).astype(int)
    pvalues = [
        chisquare(np.bincount(digits[:, i], minlength=radix)).pvalue
        for i, radix in enumerate(RADICES_L5)
    ]
    for i, j in zip(range(31), range(1, 32), strict=True):
        joint = digits[:, i] * RADICES_L5[j] + digits[:, j]
        pvalues.append(chisquare(np.bincount(joint, minlength=4 * RADICES_L5[i])).pvalue)
    assert min(pvalues) > 1e-6  # 63 tests: false alarm 6e-5


def test_neighbouring_positions_have_independent_digits():
    digits = MixedRadixPermutation([4] * 8, key=3).digits(np.arange(20_000)).astype(int)
    for i in range(8):
        joint = digits[:-1, i] * 4 + digits[1:, i]
        assert chisquare(np.bincount(joint, minlength=16)).pvalue > 1e-5


@pytest.mark.parametrize(
    ("radices", "key", "positions", "expected"),
    [
        (
            [16] + [4] * 7,
            5,
            [0, 37449, 74898, 112347, 262143],
            ["62213113", "40133330", "f0202130", "e1313223", "b3130202"],
        ),
        (
            RADICES_L5,
            6,
            [0, 12345, 2**62 + 3],
            [
                "f0001233013102022032122333001011",
                "c1100123132002122220123120122313",
                "53333211002233121002320211210231",
            ],
        ),
        (
            [7] + [3] * 13,
            2,
            [0, 7, 11160260],
            ["50220201011112", "51101000010010", "52222120111020"],
        ),
        ([4, 2, 2, 2], 4, [0, 1, 30, 31], ["3111", "0110", "0101", "2000"]),
    ],
    ids=["two small limbs", "three limbs", "limbs that are no powers of two", "few strings"],
)
def test_the_order_is_what_it_was_when_results_were_made(radices, key, positions, expected):
    digits = MixedRadixPermutation(radices, key).digits(np.array(positions))
    assert ["".join(f"{digit:x}" for digit in row) for row in digits.tolist()] == expected


@pytest.mark.parametrize(
    ("radices", "draws"), [([4, 1, 1], 2400), ([2, 2], 2400), ([3, 2], 14400), ([6, 1, 1], 14400)]
)
def test_every_order_of_few_strings_is_equally_frequent(radices, draws):
    positions, seen = np.arange(prod(radices)), Counter()
    for key in range(draws):
        digits = MixedRadixPermutation(radices, hash64(7, key)[0]).digits(positions)
        seen[digits.tobytes()] += 1
    orders = factorial(prod(radices))
    assert len(seen) == orders
    assert chisquare([*seen.values()]).pvalue > 1e-4


@pytest.mark.parametrize("radices", [[16, 1, 1], [16, 2], [64, 3], [64, 4], [4, 2, 2, 2]])
def test_the_second_string_is_independent_of_the_first(radices):
    size, weights = prod(radices), np.cumprod([1, *radices[:-1]])
    steps = np.zeros(size, int)
    for key in range(6000):
        digits = MixedRadixPermutation(radices, hash64(8, key)[0]).digits(np.arange(2))
        first, second = digits @ weights
        steps[(second - first) % size] += 1
    assert steps[0] == 0
    assert chisquare(steps[1:]).pvalue > 1e-4


def test_another_key_gives_another_order():
    one, other = (MixedRadixPermutation([8] * 4, key).digits(np.arange(200)) for key in (0, 1))
    assert (one == other).all(axis=1).sum() < 5


@given(st.lists(st.integers(1, 255), min_size=2, max_size=70))
@settings(max_examples=50, deadline=None)
def test_limbs_keep_all_digits_in_order_and_stay_below_40_bits(radices):
    limbs = _group_into_limbs(radices)
    assert [radix for limb in limbs for radix in limb] == radices
    assert len(limbs) >= 2
    assert max(prod(limb) for limb in limbs) < 2**40
