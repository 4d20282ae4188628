"""Distances between distributions of features, where closed forms or brute force give them."""

from itertools import product

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist

from pipeline.base.errors import PipelineError
from pipeline.image.estimators.feature_distance import Reference, distance_rows
from pipeline.image.estimators.frechet import Moments, frechet_distance
from pipeline.image.estimators.standardise import Standard

KERNELS = ["gaussian", "energy", "cubic"]


def normal(seed, count, channels=4, mean=0.0, scale=1.0):
    return mean + scale * np.random.default_rng(seed).normal(size=(count, channels))


def rows(generated, real, blocks=8, components=2):
    reference = Reference.of(real, KERNELS, components, blocks)
    return {r.kernel: r for r in distance_rows(reference, generated, 3, blocks)}


def kernel(name, x, y, width):
    if name == "gaussian":
        return np.exp(-(cdist(x, y) ** 2) / (2 * width**2))
    return -cdist(x, y) if name == "energy" else (x @ y.T / x.shape[1] + 1) ** 3


def brute_force(name, x, y, width):
    """Mean over all pairs of different images, one by one."""
    within = [
        np.mean([k[i, j] for i, j in product(range(len(k)), repeat=2) if i != j])
        for k in (kernel(name, z, z, width) for z in (x, y))
    ]
    return sum(within) - 2 * kernel(name, x, y, width).mean()


@pytest.mark.parametrize("name", KERNELS)
def test_discrepancies_and_their_errors_agree_with_brute_force(name):
    generated, real = normal(0, 22, mean=0.5), normal(1, 19, scale=2.0)
    [row] = [r for k, r in rows(generated, real, blocks=5).items() if k == name]
    y = (real - real.mean(axis=0)) / real.std(axis=0, ddof=1)
    x = (generated - real.mean(axis=0)) / real.std(axis=0, ddof=1)
    width = np.median(pdist(y))
    assert row.estimate == pytest.approx(brute_force(name, x, y, width))
    variance = 0
    for z, value in ((x, lambda z: (z, y)), (y, lambda z: (x, z))):
        block = np.arange(len(z)) * 5 // len(z)
        left_out = np.array([brute_force(name, *value(z[block != b]), width) for b in range(5)])
        variance += 4 / 5 * np.square(left_out - left_out.mean()).sum()
    assert row.standard_error == pytest.approx(variance**0.5)
    assert (row.quantity, row.layer, row.count) == ("mmd", 3, 22)


def test_sums_do_not_depend_on_how_many_images_are_held_at_once(monkeypatch):
    generated, real = normal(0, 40, mean=0.5), normal(1, 30)
    whole = rows(generated, real)
    monkeypatch.setattr("pipeline.image.estimators.feature_distance._ROWS", 7)
    for kernel_name, row in rows(generated, real).items():
        assert row.estimate == pytest.approx(whole[kernel_name].estimate)
        assert row.standard_error == pytest.approx(whole[kernel_name].standard_error)


def test_the_gaussian_discrepancy_of_normal_features_has_its_closed_form():
    """E k of a normal difference of variance s^2 and mean m: (w^2 / (w^2 + s^2))^(C/2) exp(..)."""
    shift, scale, channels = 1.0, 1.5, 3
    found, expected = [], []
    for seed in range(20):
        real = normal((seed, 0), 400, channels)
        reference = Reference.of(real, ["gaussian"], 1, 8)
        width = np.median(pdist(reference.features))
        # of standardised features; their spread is that of the sample
        spread, mean = real.std(axis=0, ddof=1), real.mean(axis=0)
        moments = ((shift - mean) / spread, scale / spread), (-mean / spread, 1 / spread)

        def mean_kernel(a, b, width=width):
            squares = width**2 + a[1] ** 2 + b[1] ** 2
            return np.prod(
                np.sqrt(width**2 / squares) * np.exp(-((a[0] - b[0]) ** 2) / 2 / squares)
            )

        ours, theirs = moments
        expected.append(
            mean_kernel(ours, ours) + mean_kernel(theirs, theirs) - 2 * mean_kernel(ours, theirs)
        )
        generated = normal((seed, 1), 400, channels, shift, scale)
        found.append(next(distance_rows(reference, generated, 0, 8)))
    pulls = [(r.estimate - e) / r.standard_error for r, e in zip(found, expected, strict=True)]
    assert abs(np.mean(pulls)) < 4 / 20**0.5
    assert np.std(pulls) < 1.6
    assert expected[0] > 5 * found[0].standard_error


def test_sets_of_one_distribution_have_no_distance_on_average():
    draws = [rows(normal((s, 0), 40), normal((s, 1), 40)) for s in range(150)]
    for name in KERNELS:
        estimates = np.array([draw[name].estimate for draw in draws])
        errors = np.array([draw[name].standard_error for draw in draws])
        assert abs(estimates.mean()) < 4 * estimates.std() / 150**0.5
        assert (np.abs(estimates) < 1.96 * errors).mean() > 0.93
        assert errors.mean() < 2 * estimates.std()


def test_intervals_of_different_sets_cover_the_distance():
    """The truth as the mean over many draws, with one reference that is as good as exact."""
    reference = Reference.of(normal(99, 1000), KERNELS, 2, 16)
    draws = [
        {r.kernel: r for r in distance_rows(reference, normal((s, 5), 64, mean=0.6), 0, 16)}
        for s in range(80)
    ]
    for name in [*KERNELS, None]:
        estimates = np.array([draw[name].estimate for draw in draws])
        errors = np.array([draw[name].standard_error for draw in draws])
        covered = (np.abs(estimates - estimates.mean()) < 1.96 * errors).mean()
        assert 0.88 < covered <= 1
        assert errors.mean() == pytest.approx(estimates.std(), rel=0.3)


def test_the_frechet_distance_is_that_of_known_moments():
    random = np.random.default_rng(0)
    roots = random.normal(size=(2, 5, 5))
    covariances = roots @ roots.transpose(0, 2, 1)
    means = random.normal(size=(2, 5))
    pairs = [(m[None], c[None]) for m, c in zip(means, covariances, strict=True)]
    product_root = sqrtm(covariances[0] @ covariances[1])
    expected = np.square(means[0] - means[1]).sum()
    expected += np.trace(covariances.sum(axis=0) - 2 * product_root.real)
    assert frechet_distance(*pairs)[0] == pytest.approx(expected)


def test_moments_of_blocks_are_those_of_their_images():
    features = normal(0, 7, 3)
    blocks = np.arange(7) * 3 // 7
    weights = np.array([[1.0, 1, 1], [1, 0, 1]])
    means, covariances = Moments.of(features, 3).normal(weights)
    for mean, covariance, used in zip(means, covariances, weights > 0, strict=True):
        chosen = features[used[blocks]]
        np.testing.assert_allclose(mean, chosen.mean(axis=0))
        np.testing.assert_allclose(covariance, np.cov(chosen, rowvar=False))


def test_the_frechet_distance_is_taken_in_the_components_of_largest_variance():
    """Two channels move together and so make the first component; a third is the second."""
    common, other = normal(0, 1000, 1), normal(1, 1000, 1)
    real = np.concatenate([common, common, other], axis=1)
    moved = real + [0, 0, 5.0]
    assert rows(moved, real, components=1)[None].estimate == pytest.approx(0, abs=0.05)
    assert rows(moved, real, components=2)[None].estimate == pytest.approx(25, rel=0.05)
    stretched = real * [2, 2, 1]
    assert rows(stretched, real, components=1)[None].estimate == pytest.approx(2, rel=0.05)


def test_what_never_varies_does_not_count_but_must_not_be_all():
    real = np.concatenate([normal(0, 50, 2), np.full((50, 1), 0.1, np.float32)], axis=1)
    generated = np.concatenate([normal(1, 50, 2), normal(2, 50, 1)], axis=1)
    found, expected = rows(generated, real), rows(generated[:, :2], real[:, :2])
    assert found["energy"].estimate == pytest.approx(expected["energy"].estimate)
    with pytest.raises(PipelineError, match="encoder.layers"):
        Standard.of(np.ones((9, 3)))


def test_maps_are_centred_place_by_place_and_scaled_channel_by_channel(monkeypatch):
    maps = np.random.default_rng(0).normal(size=(30, 2, 3, 3)).astype(np.float16)
    maps[:, 1] *= 8
    maps += np.arange(9).reshape(3, 3)
    monkeypatch.setattr("pipeline.image.estimators.standardise._NUMBERS", 100)
    standard = Standard.of(maps)
    found = standard.apply(maps)
    assert np.abs(found.mean(axis=0)).max() < 1e-9
    assert found.var(axis=0, ddof=1).mean(axis=(1, 2)) == pytest.approx(np.ones(2))
