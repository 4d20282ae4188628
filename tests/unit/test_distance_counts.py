"""Sparse pair counts against dense matrices, and C(t)**2 against chains with a known one."""

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.measurement.distance_counts import DistanceCounts, project, squared_correlation
from pipeline.measurement.estimate import block_numbers

TRANSITION = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.1, 0.5]])


def dense_excess(tokens, symbols, distance):
    first, second = np.eye(symbols)[tokens[:, :-distance]], np.eye(symbols)[tokens[:, distance:]]
    joint = np.einsum("nia,nib->ab", first, second) / first[..., 0].size
    return joint - np.outer(first.mean(axis=(0, 1)), second.mean(axis=(0, 1)))


def stationary_distribution(transition):
    values, vectors = np.linalg.eig(transition.T)
    vector = np.real(vectors[:, np.argmax(np.real(values))])
    return vector / vector.sum()


def chain(count, length, seed):
    random = np.random.default_rng(seed)
    tokens = np.zeros((count, length), dtype=np.uint16)
    tokens[:, 0] = random.choice(3, p=stationary_distribution(TRANSITION), size=count)
    for i in range(1, length):
        cumulative = TRANSITION[tokens[:, i - 1]].cumsum(axis=1)
        tokens[:, i] = (random.random((count, 1)) > cumulative).sum(axis=1)
    return tokens


def uneven_tokens(dtype=np.int64):
    """23 correlated sequences, which make 5 blocks of 4 or 5."""
    tokens = np.random.default_rng(0).integers(0, 4, size=(23, 9))
    return np.sort(tokens, axis=1).astype(dtype)


@pytest.mark.parametrize("distance", [1, 3, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_excess_of_chosen_blocks_is_that_of_their_sequences(distance, dtype):
    tokens = uneven_tokens(dtype=dtype)
    counts = DistanceCounts.of(tokens, 4, distance, 5)
    for chosen in (np.arange(5), np.array([1, 4])):
        excess = counts.only(chosen).excess()
        rows = np.isin(block_numbers(23, 5), chosen)
        dense = dense_excess(tokens[rows], 4, distance)
        np.testing.assert_allclose(excess.at(np.arange(16)).reshape(4, 4), dense, atol=1e-15)
        np.testing.assert_allclose(excess.bilinear(np.eye(4), np.eye(4)), dense, atol=1e-15)


def test_bilinear_forms_keep_left_and_right_apart():
    tokens, random = uneven_tokens(), np.random.default_rng(1)
    left, right = random.normal(size=(2, 4)), random.normal(size=(3, 4))
    found = DistanceCounts.of(tokens, 4, 2, 5).excess().bilinear(left, right)
    np.testing.assert_allclose(found, left @ dense_excess(tokens, 4, 2) @ right.T, atol=1e-14)


@pytest.mark.parametrize("distance", [1, 4])
def test_a_projection_of_weighted_blocks_is_that_of_repeated_sequences(distance):
    tokens, others = uneven_tokens(), np.random.default_rng(2).integers(0, 4, size=(7, 6))
    reference = dense_excess(others, 4, distance)
    weights = np.array([[1, 1, 1, 1, 1], [0, 2, 1, 0, 3], [4, 0, 0, 0, 0], [0, 1, 0, 1, 2]])
    repeated = [np.repeat(tokens, row[block_numbers(23, 5)], axis=0) for row in weights]
    expected = [(dense_excess(rows, 4, distance) * reference).sum() for rows in repeated]
    projection = project(
        DistanceCounts.of(tokens, 4, distance, 5),
        DistanceCounts.of(others, 4, distance, 1).excess(),
    )
    np.testing.assert_allclose(projection.value(weights), expected, atol=1e-15)


@pytest.mark.parametrize("blocks", [4, 5])
def test_squared_correlation_is_the_product_of_halves_and_leaves_out_every_block(blocks):
    tokens, number = uneven_tokens(), block_numbers(23, blocks)

    def product(first, second):
        halves = (tokens[np.isin(number, half)] for half in (first, second))
        one, other = (dense_excess(half, 4, 2) for half in halves)
        return (one * other).sum()

    orders = [permutation(blocks, "random halves", split) for split in range(3)]
    halves = [(order[: blocks // 2], order[blocks // 2 :]) for order in orders]
    left_out = [
        np.mean([product(*(half[half != block] for half in pair)) for pair in halves])
        for block in range(blocks)
    ]
    estimate, error = squared_correlation(DistanceCounts.of(tokens, 4, 2, blocks), 3)
    assert estimate == pytest.approx(np.mean([product(*pair) for pair in halves]), abs=1e-15)
    assert error == pytest.approx(np.std(left_out) * np.sqrt(blocks - 1), rel=1e-9)


def test_independent_tokens_have_no_squared_correlation_on_average_but_the_plug_in_does():
    found, plug_in = [], []
    for seed in range(150):
        tokens = np.random.default_rng(seed).integers(0, 4, size=(64, 12))
        found.append(squared_correlation(DistanceCounts.of(tokens, 4, 2, 8), 10)[0])
        plug_in.append(np.square(dense_excess(tokens, 4, 2)).sum())
    error = np.std(found) / np.sqrt(150)
    assert abs(np.mean(found)) < 3 * error
    assert np.mean(plug_in) > 10 * error


@pytest.mark.parametrize("distance", [1, 3])
def test_squared_correlation_of_a_chain_is_the_exact_one_within_its_error(distance):
    stationary = stationary_distribution(TRANSITION)
    joint = stationary[:, None] * np.linalg.matrix_power(TRANSITION, distance)
    exact = np.square(joint - np.outer(stationary, stationary)).sum()
    pulls = []
    for seed in range(60):
        counts = DistanceCounts.of(chain(320, 24, seed), 3, distance, 16)
        estimate, error = squared_correlation(counts, 10)
        assert error < exact / 2
        pulls.append((estimate - exact) / error)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(60)
    assert abs(np.std(pulls) - 1) < 0.4  # 4.4 sigma of 60 normal pulls


def test_names_of_tokens_do_not_matter_in_a_vocabulary_of_50257():
    names = permutation(50257, "names")[:4]
    tokens, others = uneven_tokens(), np.random.default_rng(3).integers(0, 4, size=(40, 9))
    found = []
    for symbols, rename in ((4, np.arange(4)), (50257, names)):
        counts = DistanceCounts.of(rename[tokens], symbols, 2, 5)
        reference = DistanceCounts.of(rename[others], symbols, 2, 1).excess()
        values = project(counts, reference).value(np.eye(5))
        found.append([*squared_correlation(counts, 4), *values])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 9, 5), "distance = 9: sequences have 9 tokens; use 1 to 8"),
        ((4, 0, 5), "distance = 0: "),
        ((4, 1, 24), "blocks = 24: there are 23 sequences; use 1 to 23"),
        ((4, 1, 0), "blocks = 0: "),
        ((3, 1, 5), "token 3: the vocabulary has 3"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(PipelineError, match=message):
        DistanceCounts.of(uneven_tokens(), *arguments)


def test_negative_tokens_are_refused():
    with pytest.raises(PipelineError, match="token -1: the vocabulary has 4"):
        DistanceCounts.of(uneven_tokens() - 1, 4, 1, 5)


def test_halves_of_three_blocks_are_refused():
    with pytest.raises(PipelineError, match="blocks = 3: .* use at least 4"):
        squared_correlation(DistanceCounts.of(uneven_tokens(), 4, 1, 3), 10)
