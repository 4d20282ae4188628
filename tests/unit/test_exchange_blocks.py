"""Images of exchanged blocks, and images as tokens and numbers."""

import numpy as np
import pytest

from pipeline.base.errors import PipelineError
from pipeline.image.estimators.pixels import as_numbers, as_pictures, as_tokens, white_noise
from pipeline.measurement.exchange_blocks import exchange_blocks


def labelled(count, side):
    """Every pixel says of which image and place it is."""
    places = np.arange(3 * side * side).reshape(3, side, side)
    return np.arange(count)[:, None, None, None] * 1000 + places


@pytest.mark.parametrize("length", [1, 2, 4, 8])
def test_every_pixel_keeps_its_place_and_every_block_is_of_one_image(length):
    pictures = labelled(50, 8)
    found = exchange_blocks(pictures, length, key=3)
    assert np.array_equal(np.sort(found, axis=0), pictures)  # each is used once at each place
    images = found // 1000
    blocks = images.reshape(50, 3, 8 // length, length, 8 // length, length)
    first = blocks[:, :1, :, :1, :, :1]
    assert (blocks == first).all()
    assert (np.unique(images.reshape(50, -1)[0]).size > 1) == (length < 8)


def test_places_are_permuted_independently():
    images = exchange_blocks(labelled(2000, 4), 2, key=1)[:, 0, ::2, ::2].reshape(2000, 4) // 1000
    correlations = np.corrcoef(np.concatenate([images, np.arange(2000)[:, None]], axis=1).T)
    assert np.abs(correlations - np.eye(5)).max() < 0.1


@pytest.mark.parametrize("length", [0, 3, 16])
def test_blocks_must_divide_the_side(length):
    with pytest.raises(PipelineError, match=f"block_length = {length} does not divide the 8"):
        exchange_blocks(labelled(4, 8), length, key=1)


def test_tokens_and_numbers_are_each_others_inverse():
    tokens = np.arange(256)
    assert np.array_equal(as_tokens(as_numbers(tokens)), tokens)
    assert as_numbers(tokens)[[0, 255]].tolist() == [-1, 1]
    assert as_tokens(np.array([-3.0, -1.0, 0.99999, 1.0, 3.0])).tolist() == [0, 0, 255, 255, 255]


def test_tokens_are_channels_of_rows():
    pictures = as_pictures(np.arange(2 * 3 * 4 * 4).reshape(2, -1))
    assert pictures.shape == (2, 3, 4, 4)
    assert pictures[1, 2, 3, 1] == 48 + 2 * 16 + 3 * 4 + 1


def test_white_noise_is_normal_but_for_what_is_clipped():
    numbers = as_numbers(white_noise(600, 300, key=2))
    assert np.mean(numbers == 1) == pytest.approx(0.1587, abs=0.003)
    assert numbers.mean() == pytest.approx(0, abs=0.01)
    inner = np.abs(numbers) < 0.5
    assert inner.mean() == pytest.approx(0.383, abs=0.004)
    assert abs(np.corrcoef(numbers[:, 0], numbers[:, 1])[0, 1]) < 0.2
    assert np.array_equal(white_noise(600, 300, key=2)[:40], white_noise(40, 300, key=2))
