"""Runs that samples share with training blocks, against brute force, and what is a copy."""

import numpy as np
import pytest

from pipeline.text import copied_spans
from pipeline.text.copied_spans import copied_rows, longest_shared_runs, usual_run


def brute_force(samples, training):
    def runs(row):
        length = len(row)
        return {tuple(row[i:j]) for i in range(length) for j in range(i + 1, length + 1)}

    known = set().union(*map(runs, training.tolist()))
    return [
        max((len(run) for run in runs(row) if run in known), default=0) for row in samples.tolist()
    ]


@pytest.mark.parametrize("symbols", [2, 5, 1000])
@pytest.mark.parametrize("widths", [(12, 12), (12, 7), (5, 12)])
def test_the_longest_runs_are_those_of_brute_force(symbols, widths):
    rng = np.random.default_rng(symbols)
    samples, training = (rng.integers(symbols, size=(30, width)) for width in widths)
    assert longest_shared_runs(samples, training).tolist() == brute_force(samples, training)


def test_training_text_may_be_read_in_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    samples, training = rng.integers(3, size=(30, 12)), rng.integers(3, size=(50, 12))
    monkeypatch.setattr(copied_spans, "_CHUNK", 7 * 12)
    assert longest_shared_runs(samples, training).tolist() == brute_force(samples, training)


def test_a_run_does_not_go_on_from_one_block_to_the_next():
    training = np.array([[1, 2, 3], [4, 5, 6]])
    assert longest_shared_runs(np.array([[2, 3, 4], [9, 9, 9], [4, 5, 6]]), training).tolist() == [
        2,
        0,
        3,
    ]


def test_zeros_count_as_tokens():
    assert longest_shared_runs(np.array([[0, 0, 1]]), np.array([[0, 0, 0]])).tolist() == [2]


def rows_of(copies):
    """Rows of samples of which some splice in ten tokens of a training block."""
    rng = np.random.default_rng(0)
    training, real, samples = (rng.integers(20, size=(n, 16)) for n in (400, 200, 100))
    samples[:copies, 2:12] = training[:copies, 4:14]
    longest = longest_shared_runs(samples, training)
    usual = usual_run(longest_shared_runs(real, training), 0.01)
    return longest > usual, {row.quantity: row for row in copied_rows(longest, usual)}


def test_copies_are_samples_with_longer_runs_than_real_text_has():
    copied, rows = rows_of(30)
    assert copied[:30].all()
    assert copied[30:].mean() <= 0.03
    assert rows["copied_fraction"].estimate == pytest.approx(copied.mean())
    assert 2 <= rows["usual_copied_span"].estimate < 10
    assert rows["longest_copied_span"].estimate > 3


def test_without_copies_hardly_any_sample_is_one():
    assert rows_of(0)[0].mean() <= 0.03


def test_nearly_all_real_text_is_below_the_usual_run():
    runs = np.arange(1000)
    assert np.mean(runs > usual_run(runs, 0.01)) <= 0.01
