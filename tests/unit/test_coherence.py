"""Correlation ratios and equivalent block lengths of sequences where both are known."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key
from pipeline.measurement.block_shuffle import shuffle_blocks
from pipeline.measurement.coherence import (
    CorrelationRatios,
    RealCorrelations,
    coherence,
    correlation_ratios,
    equivalent_block_length,
    resampling_weights,
)
from pipeline.measurement.estimate import block_numbers
from pipeline.measurement.settings import Errors
from tests.unit.test_distance_counts import dense_excess

FREQUENCIES = np.array([0.5, 0.3, 0.2])


def chain(count, length, memory, seed):
    """Every token repeats the one before with probability `memory`, so J(t) ~ memory**t."""
    random = np.random.default_rng(seed)
    tokens = random.choice(3, p=FREQUENCIES, size=(count, length))
    fresh = random.random((count, length)) >= memory
    fresh[:, 0] = True
    source = np.maximum.accumulate(np.where(fresh, np.arange(length), 0), axis=1)
    return np.take_along_axis(tokens, source, axis=1)


def compared(generated, real, direction, symbols, distances, blocks, samples, key):
    errors = Errors.model_construct(jackknife_blocks=blocks, bootstrap_samples=samples)
    counted = RealCorrelations.of(real, direction, symbols, distances, errors, key)
    return correlation_ratios(generated, counted, errors, key)


def measured(generated, distances, seed, blocks=16, samples=200):
    real, direction = (chain(len(generated), 32, 0.9, (seed, part)) for part in (1, 2))
    return compared(generated, real, direction, 3, distances, blocks, samples, seed)


def fit(distances, ratios, errors, largest_error=np.inf):
    arrays = (np.array(x, dtype=float) for x in (distances, ratios, errors))
    return equivalent_block_length(*arrays, largest_error)


def test_replicates_are_ratios_of_explicitly_resampled_sequences():
    random = np.random.default_rng(0)
    generated, real, direction = (
        np.sort(random.integers(0, 4, size=(n, 7)), axis=1) for n in (11, 13, 6)
    )
    found = compared(generated, real, direction, 4, [1, 3], 5, samples=6, key=9)
    weights = {
        name: np.concatenate([np.ones((1, 5)), resampling_weights(6, 5, stream_key(9, name))])
        for name in ("generated", "real")
    }
    for column, distance in enumerate([1, 3]):
        along = dense_excess(direction, 4, distance)
        top, bottom = (
            [
                (dense_excess(np.repeat(x, times, axis=0), 4, distance) * along).sum()
                for times in weights[name].astype(int)[:, block_numbers(len(x), 5)]
            ]
            for name, x in (("generated", generated), ("real", real))
        )
        expected = np.array(top) / bottom
        assert found.ratios[column] == pytest.approx(expected[0])
        np.testing.assert_allclose(found.resampled[:, column], expected[1:])
        assert found.errors[column] == pytest.approx(expected[1:].std())


def test_resampled_means_vary_as_means_of_independent_blocks_do():
    weights = resampling_weights(20_000, 5, key=1)
    assert (weights.sum(axis=1) == 4).all()
    values = np.array([0.0, 1.0, 3.0, 4.0, 9.0])
    assert (weights @ values / 4).std() == pytest.approx(values.std(ddof=1) / 5**0.5, rel=0.03)


@pytest.mark.parametrize("memory", [0.9, 0.8, 0.0])
def test_ratios_of_chains_are_powers_of_the_ratio_of_their_memories(memory):
    distances = np.array([1, 2, 4, 8])
    pulls = []
    for seed in range(30):
        found = measured(chain(240, 32, memory, (seed, 0)), distances, seed)
        assert (found.errors < 0.3).all()
        pulls.append((found.ratios - (memory / 0.9) ** distances) / found.errors)
    assert (np.abs(np.mean(pulls, axis=0)) < 4 / np.sqrt(30)).all()
    assert (np.abs(np.std(pulls, axis=0) - 1) < 0.6).all()


@pytest.mark.parametrize("block_length", [1, 3, 4, 32])
def test_ratios_of_shuffled_blocks_fall_linearly_to_zero(block_length):
    distances = np.array([1, 2, 3, 5, 8])
    pulls = []
    for seed in range(30):
        shuffled = shuffle_blocks(chain(240, 32, 0.9, (seed, 0)), block_length, seed)
        found = measured(shuffled, distances, seed)
        expected = np.maximum(1 - distances / block_length, 0)
        pulls.append((found.ratios - expected) / found.errors)
    assert (np.abs(np.mean(pulls, axis=0)) < 4 / np.sqrt(30)).all()


@pytest.mark.parametrize("block_length", [1, 2, 4, 8])
def test_the_length_of_shuffled_blocks_is_that_of_the_blocks(block_length):
    shuffled = shuffle_blocks(chain(2000, 32, 0.9, 0), block_length, key=3)
    found = coherence(measured(shuffled, np.arange(1, 16), seed=4), largest_error=0.2)
    assert not found.bound
    assert found.length == pytest.approx(block_length, rel=0.1)
    assert abs(found.length - block_length) < 3 * found.standard_error + 0.02
    assert found.low <= found.length <= found.high


def test_intervals_cover_the_truth():
    distances, covered = np.arange(1, 9), []
    for seed in range(100):
        shuffled = shuffle_blocks(chain(128, 32, 0.9, (seed, 0)), 4, seed)
        ratios = measured(shuffled, distances, seed)
        found = coherence(ratios, largest_error=0.5)
        low, high = np.quantile(ratios.resampled[:, 1], [0.025, 0.975])
        covered.append([found.low <= 4 <= found.high, low <= 0.5 <= high])
    assert (np.mean(covered, axis=0) >= 0.85).all()
    assert (np.mean(covered, axis=0) < 1).all()


def test_the_fit_is_the_least_of_all_sums_of_squares():
    random = np.random.default_rng(0)
    for _ in range(50):
        distances = np.cumsum(random.integers(1, 4, size=8))
        ratios, errors = random.normal(0.4, 0.5, size=8), random.uniform(0.1, 1, size=8)

        def cost(length, t=distances, r=ratios, e=errors):
            return np.sum(((r - np.maximum(1 - t / length, 0)) / e) ** 2)

        length, bound = fit(distances, ratios, errors)
        last = distances[-1]
        edges = [1, *distances, 1e6]
        pieces = zip(edges[:-1], edges[1:], strict=True)
        minima = [minimize_scalar(cost, bounds=p, method="bounded") for p in pieces]
        best = min(minima, key=lambda found: found.fun)
        assert bound == (best.x > last + 1e-3)
        assert bound or cost(length) <= best.fun + 1e-9
        assert length == last or length == pytest.approx(max(best.x, distances[0]), abs=1e-3)


@pytest.mark.parametrize("length", [1, 2.5, 4, 11.9])
def test_exact_ratios_give_back_their_length(length):
    distances = np.arange(1, 13)
    found = fit(distances, np.maximum(1 - distances / length, 0), np.full(12, 0.1))
    assert found == (pytest.approx(length), False)


@pytest.mark.parametrize(
    ("length", "expected"), [(3, (3, False)), (20, (20, False)), (40, (30, True))]
)
def test_lengths_beyond_the_distances_are_read_off_where_they_may_be(length, expected):
    distances = np.arange(1.0, 13)
    ratios, errors = np.maximum(1 - distances / length, 0), np.full(12, 0.1)
    found = equivalent_block_length(distances, ratios, errors, 1, longest=30)
    assert found == (pytest.approx(expected[0]), expected[1])
    replicates = CorrelationRatios(distances, ratios, errors, np.stack([ratios] * 3))
    assert coherence(replicates, 1, 30).high == pytest.approx(expected[0])


def test_real_sequences_are_coherent_at_least_as_far_as_is_resolved():
    found = coherence(measured(chain(400, 32, 0.9, 0), np.arange(1, 25), seed=5), 0.2)
    assert found.bound
    assert 4 < found.length < 24
    assert found.length == found.high == int(found.length)


def test_distances_from_the_first_unresolved_one_on_do_not_count():
    distances, ratios = [1, 2, 3, 4], [0.9, 0.8, 5, -5]
    assert fit(distances, ratios, [0.1, 0.1, 0.6, 0.1], 0.5) == (2, True)
    assert fit(distances, ratios, [0.1, 0.1, np.nan, 0.1], 0.5) == (2, True)


def test_replicates_are_capped_like_the_length():
    resampled = np.array([[0.9, 0.8, 9], [0.5, 0, -9], [0.99, 0.99, 0]])
    ratios = CorrelationRatios(
        np.array([1, 2, 3]), np.array([0.9, 0.8, 0]), np.array([0.1, 0.1, 2]), resampled
    )
    found = coherence(ratios, largest_error=0.5)
    assert (found.length, found.bound) == (2, True)
    assert found.high == 2
    assert found.standard_error == pytest.approx(0, abs=1e-12)


def test_the_interval_holds_95_percent_of_the_replicates():
    lengths, distances = np.linspace(2, 6, 201), np.arange(1, 8)
    resampled = np.maximum(1 - distances / lengths[:, None], 0)
    found = coherence(CorrelationRatios(distances, resampled[50], np.ones(7), resampled), 1)
    assert found.length == pytest.approx(3)
    assert (found.low, found.high) == (pytest.approx(2.1), pytest.approx(5.9))
    assert found.standard_error == pytest.approx(lengths.std())


def test_nothing_resolved_has_no_length():
    assert np.isnan(fit([1, 2], [0.5, 0.1], [0.6, 0.1], 0.5)[0])
    none = np.full((3, 2), np.nan)
    found = coherence(CorrelationRatios(np.array([1, 2]), none[0], none[0], none), 0.5)
    assert np.isnan([found.length, found.low, found.high, found.standard_error]).all()
    assert not found.bound


def test_samples_that_repeat_one_token_have_the_least_length():
    found = coherence(measured(np.ones((64, 32), dtype=int), [1, 2, 4], seed=6), 0.3)
    assert (found.length, found.high, found.bound) == (1, 1, False)
    assert fit([1, 2, 4], [0, 0, 0], [0, 0, 0], 0.3) == (1, False)


def test_a_vocabulary_of_50257_is_measured_in_moments():
    names = np.random.default_rng(0).integers(0, 50257, size=3)
    sets = [names[chain(32, 64, 0.9, seed)] for seed in range(3)]
    found = compared(*sets, 50257, [1, 5], blocks=8, samples=50, key=0)
    assert (np.abs(found.ratios - 1) < 4 * found.errors).all()


@pytest.mark.parametrize("block_length", [1, 5, 8, 24])
def test_shuffled_tokens_are_neighbours_as_often_as_they_share_a_block(block_length):
    places = np.arange(4000 * 24).reshape(4000, 24)
    shuffled = shuffle_blocks(places, block_length, key=0)
    assert shuffled.shape == places.shape
    for distance in (1, 4, 7, 23):
        together = shuffled[:, distance:] - shuffled[:, :-distance] == distance
        expected = max(1 - distance / block_length, 0)
        error = np.sqrt(expected * (1 - expected) / 4000)
        assert (np.abs(together.mean(axis=0) - expected) < 4.5 * error + 2e-3).all()
    runs = shuffled[:, 1:] - shuffled[:, :-1] == 1
    same_sequence = shuffled[:, 1:] // 24 == shuffled[:, :-1] // 24
    assert same_sequence[runs].mean() > 0.999 or block_length == 1
    assert same_sequence[~runs].mean() < 2e-3


def test_unrelated_blocks_come_from_anywhere_in_any_sequence():
    places = np.arange(4000 * 24).reshape(4000, 24)
    shuffled = shuffle_blocks(places, 5, key=1)
    counts = np.bincount(shuffled.ravel() % 24, minlength=24)
    assert (counts[4:20] > 0.95 * counts.max()).all()
    assert counts.min() > 0
    assert abs(np.corrcoef(shuffled[:, 0] // 24, np.arange(4000))[0, 1]) < 0.07


def test_blocks_of_one_token_are_a_permutation_of_all_tokens():
    places = np.arange(60).reshape(10, 6)
    shuffled = shuffle_blocks(places, 1, key=0)
    assert np.array_equal(np.sort(shuffled, axis=None), places.ravel())
    assert not np.array_equal(shuffled, shuffle_blocks(places, 1, key=1))
    assert np.array_equal(shuffled, shuffle_blocks(places, 1, key=0))


@pytest.mark.parametrize("block_length", [0, 7])
def test_blocks_that_do_not_fit_are_refused(block_length):
    with pytest.raises(PipelineError, match=f"block_length = {block_length}: .* use 1 to 6"):
        shuffle_blocks(np.zeros((4, 6), dtype=int), block_length, key=0)


def test_a_single_block_is_refused():
    with pytest.raises(PipelineError, match="blocks = 1: .* use at least 2"):
        measured(chain(8, 32, 0.9, 0), [1], seed=0, blocks=1)
