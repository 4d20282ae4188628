"""From files to pixels: halving, scaling and cropping, modes, corrupt files, and processes."""

import io
import os
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import PipelineError
from pipeline.images.decode import Encoded, decode_all, decode_image, fit


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def file_of(pixels, form="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def halved(pixels):
    """Means of pixels, rounded after each axis, as Pillow does."""
    height, width = pixels.shape[:2]
    narrow = np.floor(pixels.reshape(height, width // 2, 2, 3).mean(2) + 0.5)
    small = np.floor(narrow.reshape(height // 2, 2, width // 2, 3).mean(1) + 0.5)
    return small.astype(np.uint8)


def fitted(pixels, size):
    return fit(Image.fromarray(pixels), size).transpose(1, 2, 0)


def test_twice_the_size_is_the_mean_of_pixels():
    assert np.array_equal(fitted(noise(32, 32), 16), halved(noise(32, 32)))


def test_it_is_halved_as_long_as_it_is_at_least_twice_the_size():
    pixels = noise(64, 48)  # halved to 32 x 24, then to 16 x 12
    small = halved(halved(pixels))
    assert np.array_equal(fitted(pixels, 12), small[:, 2:14])


def test_what_halving_leaves_is_scaled_with_a_bicubic_filter_and_cropped_to_the_middle():
    pixels = noise(40, 28)  # halved to 20 x 14, scaled to 11 x 8
    small = Image.fromarray(halved(pixels)).resize((11, 8), Image.Resampling.BICUBIC)
    assert np.array_equal(fitted(pixels, 8), np.asarray(small)[:, 1:9])


def test_the_bicubic_filter_is_keys_cubic_convolution():
    """With a = -1/2; magnified by two, pixels have two sets of weights."""
    row = np.array([10, 10, 10, 200, 10, 10, 10, 10], np.uint8)
    pixels = np.broadcast_to(row[None, :, None], (8, 8, 3))
    near, far = (0.5 * x**3 * 3 - 2.5 * x**2 + 1 for x in (0.25, 0.75))
    outer = (-0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 for x in (1.25, 1.75))
    expected = 10 + 190 * np.array([*reversed([near, far, *outer])])
    assert fitted(pixels, 16)[8, 3:7, 0] == pytest.approx(np.round(expected.clip(0)), abs=1)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (23, 16), (16, 31)])
def test_the_very_size_comes_through_unchanged(width, height):
    pixels = noise(width, height)
    left, top = (width - 16) // 2, (height - 16) // 2
    assert np.array_equal(fitted(pixels, 16), pixels[top : top + 16, left : left + 16])


def test_smaller_images_are_enlarged():
    pixels = np.full((3, 5, 3), 77, np.uint8)
    assert np.array_equal(fitted(pixels, 16), np.full((16, 16, 3), 77))


def test_pixels_are_channel_first():
    pixels = noise(4, 4)
    found = decode_image(Encoded("x", file_of(pixels)), 4).pixels
    assert found.dtype == np.uint8
    assert all(np.array_equal(found[c], pixels[..., c]) for c in range(3))


def test_grey_pictures_have_three_equal_channels_and_transparency_is_dropped():
    grey = noise(4, 4)[..., 0]
    assert np.array_equal(decode_image(Encoded("x", file_of(grey)), 4).pixels, [grey] * 3)
    colour = np.dstack([noise(4, 4), noise(4, 4, 1)[..., 0]])
    found = decode_image(Encoded("x", file_of(colour)), 4).pixels
    assert np.array_equal(found, colour[..., :3].transpose(2, 0, 1))


def test_palettes_are_looked_up_before_scaling():
    picture = Image.new("P", (2, 2))
    picture.putpalette([0, 0, 0, 200, 100, 50])
    picture.putdata([0, 1, 1, 0])
    file = io.BytesIO()
    picture.save(file, "PNG")
    found = decode_image(Encoded("x", file.getvalue()), 1).pixels
    assert found.ravel().tolist() == [100, 50, 25]


JPEG = file_of(noise(64, 64), "JPEG")


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (JPEG[: len(JPEG) // 2], "truncated"),
        (b"no picture", "no image of a known"),
        (b"", "no image of a known"),
        (None, "no content"),
        (file_of(np.full((4, 4), 40000, np.uint16)), "more than 8 bits"),
        (file_of(noise(8, 8))[:-40], ""),
    ],
)
def test_what_cannot_be_decoded_is_told_in_a_line(content, flaw):
    found = decode_image(Encoded("x", content), 4)
    assert found.pixels is None
    assert flaw in found.flaw and found.flaw and "\n" not in found.flaw


def test_a_file_that_is_not_there_is_corrupt(tmp_path):
    assert "No such file" in decode_image(Encoded("x", tmp_path / "x.png"), 4).flaw


def test_neither_order_nor_pixels_depend_on_processes():
    images = [Encoded(f"{n}", file_of(noise(n % 30 + 4, 20, n), "JPEG")) for n in range(150)]
    images[70] = Encoded("70", b"broken")
    alone, together = (list(decode_all(images, 8, processes)) for processes in (1, 2))
    assert [image.name for image in together] == [f"{n}" for n in range(150)]
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and one.flaw == other.flaw
    assert together[70].pixels is None


@pytest.mark.parametrize("processes", [1, 2])
def test_only_as_many_are_read_as_are_wanted(processes):
    content, asked = file_of(noise(4, 4)), iter(range(10_000))
    images = (Encoded(f"{n}", content) for n in asked)
    decoded = decode_all(images, 4, processes)
    assert len(list(islice(decoded, 3))) == 3
    decoded.close()
    assert next(asked) < 200


class Deadly:
    """Ends the process that receives it, as the system does when memory runs out."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_process_that_is_killed_is_told_of():
    with pytest.raises(PipelineError, match="killed.*more memory"):
        list(decode_all([Encoded("x", Deadly())], 4, 2))
