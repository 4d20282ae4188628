"""Batches: every string once an epoch, and a pure function of replica and step."""

import tracemalloc
from itertools import islice

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from pipeline.training.batches import Batches


def numbered(replicas, size, length=4):
    """Strings that tell replica and row: token 0 is the row, token 1 the replica."""
    tokens = np.zeros((replicas, size, length), dtype=np.uint8)
    tokens[:, :, 0] = np.arange(size)
    tokens[:, :, 1] = np.arange(replicas)[:, None]
    return tokens


def ten_levels(numbers):
    return 1 + (numbers * 10).astype(int)


def batches(training, keys, batch_size=4, shuffle=True, first_step=0, times=ten_levels, **more):
    more = {"low_discrepancy": False, "trajectories": 1} | more
    return Batches(
        training, keys, batch_size, times=times, shuffle=shuffle, first_step=first_step, **more
    )


def visited(source, steps):
    """Rows in the order of visit, [R, steps * batch_size]."""
    return np.concatenate([source.batch(step)[1][:, :, 0].numpy() for step in range(steps)], axis=1)


@pytest.mark.parametrize(("size", "batch_size"), [(12, 4), (10, 4), (3, 8), (1, 5), (7, 7)])
def test_each_epoch_visits_every_string_once(size, batch_size):
    source = batches(numbered(2, size), keys=[1, 2], batch_size=batch_size)
    rows = visited(source, 4 * size)
    epochs = rows.reshape(2, -1, size)
    assert (np.sort(epochs, axis=2) == np.arange(size)).all()


def test_every_epoch_and_replica_has_another_order():
    rows = visited(batches(numbered(2, 50), keys=[1, 2], batch_size=50), 2)
    epochs = rows.reshape(2, 2, 50).reshape(4, 50)
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 4


def test_each_string_is_equally_often_the_first_of_an_epoch():
    rows = visited(batches(numbered(1, 6), keys=[3], batch_size=6), 1200)
    assert chisquare(np.bincount(rows.reshape(1200, 6)[:, 0], minlength=6)).pvalue > 1e-4


@pytest.mark.parametrize(("size", "batch_size"), [(10, 4), (3, 8), (20, 5)])
def test_without_shuffling_the_first_epoch_is_read_as_it_stands_and_later_ones_are_not(
    size, batch_size
):
    source = batches(numbered(2, size), [1, 2], batch_size, shuffle=False)
    epochs = visited(source, 5 * size).reshape(2, -1, size)
    assert (epochs[:, 0] == np.arange(size)).all()
    assert (np.sort(epochs, axis=2) == np.arange(size)).all()
    shuffled = visited(batches(numbered(2, size), [1, 2], batch_size), 5 * size)
    assert (epochs[:, 1:] == shuffled.reshape(epochs.shape)[:, 1:]).all()


def test_a_batch_takes_no_more_memory_than_its_own_strings(tmp_path):
    path, shape = tmp_path / "training", (1, 2000, 3000)
    np.memmap(path, np.uint8, "w+", shape=shape).flush()
    source = batches(np.memmap(path, np.uint8, "r", shape=shape), [1], 2)
    tracemalloc.start()
    source.batch(1500)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10**6 < 2000 * 3000


def test_every_replica_reads_its_own_strings():
    _, tokens, _, _ = batches(numbered(3, 6), [1, 2, 3]).batch(5)
    assert (tokens[:, :, 1] == torch.arange(3)[:, None]).all()
    assert tokens.dtype == torch.int64


def assert_equal_batches(one, other):
    assert one[0] == other[0]
    assert all(torch.equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))


def test_a_batch_depends_on_the_step_only_and_not_on_the_way_there():
    training = numbered(2, 10)
    straight = list(islice(batches(training, [1, 2]), 8))
    resumed = list(islice(batches(training, [1, 2], first_step=5), 3))
    backwards = batches(training, [1, 2])
    for step in reversed(range(8)):
        assert_equal_batches(backwards.batch(step), straight[step])
    for one, other in zip(straight[5:], resumed, strict=True):
        assert_equal_batches(one, other)


def test_a_replica_of_an_ensemble_reads_what_it_reads_alone():
    training = numbered(3, 10)
    together, alone = batches(training, [1, 2, 3]), batches(training[1:2], [2])
    for step in (0, 7):
        _, *parts = together.batch(step)
        assert_equal_batches((step, *(part[1:2] for part in parts)), alone.batch(step))


def test_levels_are_uniform_over_1_to_T_and_independent_of_place():
    source = batches(numbered(2, 10), [1, 2], batch_size=100)
    levels = np.stack([source.batch(step)[2].numpy() for step in range(50)])
    assert chisquare(np.bincount(levels.ravel(), minlength=11)[1:]).pvalue > 1e-4
    for one, other in [(levels[1:], levels[:-1]), (levels[:, 0], levels[:, 1])]:
        joint = (one - 1) * 10 + other - 1
        assert chisquare(np.bincount(joint.ravel(), minlength=100)).pvalue > 1e-4


def test_noise_numbers_are_uniform_and_independent_of_step_string_token_and_replica():
    source = batches(numbered(2, 10, length=6), [1, 2], batch_size=50)
    draws = np.stack([source.batch(step)[3].numpy() for step in range(20)])
    assert draws.shape == (20, 2, 50, 6, 2)
    assert len(np.unique(draws)) == draws.size
    assert chisquare(np.histogram(draws, bins=50, range=(0, 1))[0]).pvalue > 1e-4
    for axis in range(draws.ndim):
        one, other = np.split(draws[:, :, :, :, :], 2, axis=axis)
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(one.size)


def test_levels_of_low_discrepancy_have_one_number_in_every_share_of_the_range():
    source = batches(numbered(2, 10), [1, 2], 8, times=lambda u: u, low_discrepancy=True)
    levels = np.stack([source.batch(step)[2].numpy() for step in range(2000)])
    assert (np.sort((levels * 8).astype(int), axis=2) == np.arange(8)).all()
    assert len(np.unique(levels[:, :, 0])) == 4000
    counts = np.histogram(levels[:, :, 3], bins=50, range=(0, 1))[0]
    assert chisquare(counts).pvalue > 1e-4


def test_batches_are_the_same_however_many_are_made_at_once(monkeypatch):
    training, options = numbered(2, 10), {"low_discrepancy": True, "first_step": 3}
    together = list(islice(batches(training, [1, 2], **options), 40))
    monkeypatch.setattr("pipeline.training.batches._MOST_STEPS", 1)
    one_by_one = list(islice(batches(training, [1, 2], **options), 40))
    for one, other in zip(together, one_by_one, strict=True):
        assert_equal_batches(one, other)


def test_copies_of_a_string_stand_side_by_side_at_levels_and_noise_of_their_own():
    source = batches(numbered(2, 12), [1, 2], batch_size=4, trajectories=3)
    alone = batches(numbered(2, 12), [1, 2], batch_size=4)
    levels, draws = [], []
    for step in range(30):
        _, tokens, t, uniforms = source.batch(step)
        assert torch.equal(tokens, alone.batch(step)[1].repeat_interleave(3, dim=1))
        assert (t.shape, uniforms.shape) == ((2, 12), (2, 12, 4, 2))
        levels.append(t)
        draws.append(uniforms)
    spread = np.bincount(torch.cat(levels).flatten(), minlength=11)[1:]
    assert chisquare(spread).pvalue > 1e-4
    assert torch.cat(draws).unique().numel() == torch.cat(draws).numel()


def test_levels_are_spread_evenly_over_all_copies_and_over_those_of_each_string():
    source = batches(
        numbered(1, 12), [1], 4, trajectories=5, low_discrepancy=True, times=lambda u: u
    )
    (levels,) = source.batch(0)[2].numpy()
    assert np.diff(np.sort(levels)) == pytest.approx(np.full(19, 1 / 20))
    for copies in levels.reshape(4, 5):
        assert np.diff(np.sort(copies)) == pytest.approx(np.full(4, 1 / 5))
