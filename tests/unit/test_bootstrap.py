"""The hierarchical bootstrap: what it draws, how often it covers, and when it declines."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from pipeline.analysis.bootstrap import hierarchical_bootstrap, resampling_weights
from pipeline.analysis.curves import REPLICA
from pipeline.artifacts.tables import SEEDS
from pipeline.base.randomness import stream_key, uniforms

REPETITIONS = 2000


def replicas(grammars, data, networks, settings=1):
    shape = (settings, grammars, data, networks)
    seeds = pd.DataFrame(list(product(*map(range, shape))), columns=["v", *SEEDS])
    return seeds.assign(v=seeds["v"] + 8, m=3, s=2, L=3)


def normals(key, *shape):
    return norm.ppf(uniforms(key, np.arange(np.prod(shape))).reshape(shape))


def nested_noise(components, shape, key, repetitions=1):
    """Values (replicas, repetitions): independent deviations of grammars, data and networks."""
    values = np.zeros((*shape, repetitions))
    for depth, deviation in enumerate(components, start=2):
        part = (*shape[:depth], *[1] * (4 - depth), repetitions)
        values = values + deviation * normals(stream_key(key, depth), *part)
    return values.reshape(-1, repetitions)


def mean_of(values):
    values = values if values.ndim == 1 else values.reshape(len(values), -1)

    def mean(weights):
        total = weights.sum(axis=1)
        return weights @ values / (total if values.ndim == 1 else total[:, None])

    return mean


def coverage(frame, components, shape):
    """Share of repeated experiments whose interval holds the true mean, 0."""
    values = nested_noise(components, shape, 1, REPETITIONS)
    _, low, high = hierarchical_bootstrap(frame, mean_of(values), 1000, 2)
    return np.mean((low <= 0) & (high >= 0))


@pytest.mark.parametrize(
    ("design", "components"),
    [
        ((1, 4, 1, 1), (1.0, 0.5, 0.5)),
        ((1, 4, 2, 2), (1.0, 0.2, 0.2)),
        ((1, 4, 2, 2), (1.0, 1.0, 1.0)),
        ((1, 4, 2, 1), (0.0, 1.0, 0.0)),
        ((3, 4, 1, 2), (1.0, 0.5, 0.5)),
        ((3, 4, 1, 1), (1.0, 0.0, 0.0)),
    ],
)
def test_the_interval_covers_the_truth_as_often_as_it_says(design, components):
    frame = replicas(*design[1:], settings=design[0])
    assert 0.9 <= coverage(frame, components, design) <= 0.98


def test_drawing_rows_rather_than_grammars_would_be_noticed():
    design = (1, 4, 2, 2)
    rows_for_grammars = replicas(4, 2, 2).assign(grammar_seed=np.arange(16))
    assert coverage(rows_for_grammars, (1.0, 0.2, 0.2), design) < 0.75


def test_all_rows_of_a_replica_are_drawn_together():
    frame = pd.concat([replicas(3, 2, 2, 2).assign(level=level) for level in (1, 2, 3)])
    weights = pd.DataFrame(resampling_weights(frame, 20, 1).T)
    by_replica = weights.groupby([frame[name].to_numpy() for name in REPLICA])
    assert (by_replica.nunique() == 1).all(axis=None)


def test_every_setting_draws_its_grammars_and_every_grammar_its_seeds():
    frame = replicas(3, 2, 2, settings=2)
    weights = resampling_weights(frame, 400, 1).reshape(400, 2, 3, 2, 2)
    assert (weights.sum(axis=(2, 3, 4)) == 12).all()
    grammars = weights.sum(axis=(3, 4))
    assert (grammars % 4 == 0).all()
    assert np.corrcoef(grammars[:, 0, 0], grammars[:, 1, 0])[0, 1] == pytest.approx(0, abs=0.2)
    assert np.unique(weights.sum(axis=4) % 2) == 0
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.25)
    # Drawn once, a grammar has two draws of two data seeds: each is there 0, 1 or 2 times.
    once = weights.sum(axis=4)[grammars == 4][:, 0] / 2
    assert np.bincount(once.astype(int)) / len(once) == pytest.approx([0.25, 0.5, 0.25], abs=0.06)


def test_the_interval_is_a_function_of_its_key():
    frame, values = replicas(4, 2, 1), normals(3, 8)
    first, again, other = (
        hierarchical_bootstrap(frame, mean_of(values), 100, key) for key in (1, 1, 2)
    )
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


def test_a_statistic_may_be_an_array():
    frame, values = replicas(4, 2, 1), normals(3, 8, 2)
    both = hierarchical_bootstrap(frame, mean_of(values), 100, 1)
    for column in range(2):
        one = hierarchical_bootstrap(frame, mean_of(values[:, column]), 100, 1)
        assert [part[column] for part in both] == pytest.approx([float(part) for part in one])


def test_one_grammar_has_no_interval_even_beside_a_setting_with_more():
    values = normals(3, 8)
    for frame in (replicas(1, 4, 2), pd.concat([replicas(1, 1, 1).assign(v=4), replicas(7, 1, 1)])):
        estimate, low, high = hierarchical_bootstrap(frame, mean_of(values), 50, 1)
        assert estimate == pytest.approx(values.mean())
        assert np.isnan([low, high]).all()


def nan_without(frame, needed):
    """Mean seed of the grammars, not defined unless one of the needed is drawn."""
    seeds = frame["grammar_seed"].to_numpy()

    def statistic(weights):
        defined = weights[:, np.isin(seeds, needed)].sum(axis=1) > 0
        return np.where(defined, weights @ seeds / weights.sum(axis=1), np.nan)

    return statistic


def test_resamples_without_a_value_are_left_out_unless_there_are_many():
    frame = replicas(4, 1, 1)
    rarely, often = (
        hierarchical_bootstrap(frame, nan_without(frame, needed), 400, 1)
        for needed in ([0, 1], [0])
    )
    assert rarely.low < rarely.estimate < rarely.high
    assert often.estimate == rarely.estimate
    assert np.isnan([often.low, often.high]).all()


def test_without_variation_the_interval_is_a_point():
    estimate, low, high = hierarchical_bootstrap(replicas(4, 1, 1), mean_of(np.ones(4)), 50, 1)
    assert estimate == low == high == 1
