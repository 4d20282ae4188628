"""Counter-based random numbers: published SplitMix64 outputs, uniformity, purity."""

from itertools import permutations

import numpy as np
from scipy.stats import chisquare

from pipeline.base.randomness import hash64, permutation, stream_key, uniforms


def test_one_coordinate_gives_the_published_splitmix64_sequences():
    assert hash64(0, np.arange(3)).tolist() == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]
    assert hash64(1234567, np.arange(3)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_a_broadcast_hash_equals_the_hash_of_each_place():
    keys, rows = np.array([3, 2**63 + 5], dtype=np.uint64)[:, None, None], np.arange(4)[:, None]
    together = hash64(keys, rows, np.arange(5))
    alone = [
        [[int(hash64(int(k), i, j)[0]) for j in range(5)] for i in range(4)] for k in keys.ravel()
    ]
    assert together.tolist() == alone


def test_a_hash_depends_on_the_order_of_coordinates():
    assert hash64(7, 1, 2) != hash64(7, 2, 1)


def test_uniforms_are_uniform_and_independent_in_neighbouring_places():
    numbers = uniforms(stream_key("test"), np.arange(200)[:, None], np.arange(200))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    pairs = [(numbers[:-1], numbers[1:]), (numbers[:, :-1], numbers[:, 1:])]
    for one, other in pairs:
        cells = (one * 10).astype(int) * 10 + (other * 10).astype(int)
        assert chisquare(np.bincount(cells.ravel(), minlength=100)).pvalue > 1e-4


def test_uniforms_are_the_top_53_bits_of_the_hash():
    words = [int(word) for word in hash64(5, np.arange(100))]
    assert uniforms(5, np.arange(100)).tolist() == [(word >> 11) / 2**53 for word in words]


def test_a_stream_key_tells_paths_apart():
    paths = [(1,), (2,), ("1",), (1, 1), (11,), (1, "a"), ("a", 1), ("a",)]
    assert len({stream_key(*path) for path in paths}) == len(paths)
    assert all(0 <= stream_key(*path) < 2**64 for path in paths)


def test_every_permutation_is_equally_likely():
    orders = list(permutations(range(4)))
    drawn = [tuple(permutation(4, seed, "x").tolist()) for seed in range(2400)]
    counts = [drawn.count(order) for order in orders]
    assert sum(counts) == len(drawn)
    assert chisquare(counts).pvalue > 1e-4


def test_a_permutation_is_a_pure_function_of_its_path():
    assert np.array_equal(permutation(50, 1, "x"), permutation(50, 1, "x"))
    assert not np.array_equal(permutation(50, 1, "x"), permutation(50, 2, "x"))
