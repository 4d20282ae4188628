"""From files to pixels: halving, scaling and cropping, modes, corrupt files, and processes."""

import io
import os
import resource
import struct
from itertools import islice

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.base.errors import PipelineError
from pipeline.image.dataset.decode import Encoded, decode_all, decode_image, fit


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


CORNERS = np.kron(
    np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8),
    np.ones((8, 8, 1), np.uint8),
)
"""Red and green above blue and white."""
TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}
"""What a viewer does with the pixels as they are stored, by the EXIF orientation."""


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNS)
def test_pictures_are_turned_as_they_are_to_be_seen(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = file_of(
        CORNERS, form, exif=exif, quality=100, **{"WEBP": {"lossless": True}}.get(form, {})
    )
    found = decode_image(Encoded("x", file), 16).pixels.transpose(1, 2, 0)
    expected = TURNS[orientation](CORNERS)
    places = [(4, 4), (4, 11), (11, 4), (11, 11)]
    for place in places:
        assert np.abs(found[place].astype(int) - expected[place]).max() < 10


def test_a_broken_exif_tells_no_orientation():
    file = file_of(CORNERS, "PNG", exif=b"Exif\0\0garbage that is none")
    assert np.array_equal(decode_image(Encoded("x", file), 16).pixels[:, 4, 4], [255, 0, 0])


def linear(kind, tags):
    """A minimal ICC profile, version 2, whose curves are straight lines."""
    body, table, place = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name.encode(), place + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", 132 + len(table) + len(body), b"none", 0x02100000, b"mntr", kind, b"XYZ "
    )
    header += struct.pack(">12s4s", b"\x07\xd0\0\x01\0\x01" + b"\0" * 6, b"acsp").ljust(44, b"\0")
    header += struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(65536 * v) for v in values))


STRAIGHT = b"curv\0\0\0\0\0\0\0\0"
NAME = b"desc\0\0\0\0\0\0\0\7linear\0" + b"\0" * 78
WHITE = xyz(0.9642, 1, 0.8249)
LINEAR = linear(
    b"RGB ",
    {"desc": NAME, "wtpt": WHITE, "rTRC": STRAIGHT, "gTRC": STRAIGHT, "bTRC": STRAIGHT}
    | {"rXYZ": xyz(0.4361, 0.2225, 0.0139), "gXYZ": xyz(0.3851, 0.7169, 0.0971)}
    | {"bXYZ": xyz(0.1431, 0.0606, 0.7141)},
)
"""Primaries of sRGB, but light in proportion to values."""
LINEAR_GREY = linear(b"GRAY", {"desc": NAME, "wtpt": WHITE, "kTRC": STRAIGHT})


@pytest.mark.parametrize("value", [13, 55, 128, 250])
def test_colours_are_those_of_the_profile(value):
    """Of light in proportion to values sRGB has the gamma curve."""
    light = value / 255
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    colour = np.full((4, 4, 3), value, np.uint8)
    for pixels, icc in [(colour, LINEAR), (colour[..., 0], LINEAR_GREY)]:
        found = decode_image(Encoded("x", file_of(pixels, icc_profile=icc)), 4).pixels
        assert found == pytest.approx(np.full((3, 4, 4), expected), abs=2)


def test_profiles_of_srgb_or_of_another_kind_of_picture_change_nothing():
    pixels = noise(8, 8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (srgb, LINEAR_GREY):
        found = decode_image(Encoded("x", file_of(pixels, icc_profile=icc)), 8).pixels
        assert np.array_equal(found.transpose(1, 2, 0), pixels)
    found = decode_image(Encoded("x", file_of(pixels, icc_profile=b"no profile")), 8)
    assert found.pixels is None and "colour profile" in found.flaw


def test_pictures_in_cmyk_have_their_colours():
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for form in ("JPEG", "TIFF"):
        file = io.BytesIO()
        picture.save(file, form)
        red = decode_image(Encoded("x", file.getvalue()), 1).pixels.ravel()
        assert red == pytest.approx([255, 0, 0], abs=4)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_placeholder_is_no_corrupt_image(tmp_path, processes):
    content = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    (tmp_path / "0.png").write_bytes(content)
    for file, name in [(tmp_path / "0.png", f"{tmp_path / '0.png'}"), (content, "row")]:
        with pytest.raises(
            PipelineError, match=f"{name} is a placeholder of Git LFS.*git lfs pull"
        ):
            list(decode_all([Encoded("row", file)], 4, processes))


@pytest.mark.parametrize(("width", "height"), [(1_000_000, 1), (1, 1_000_000), (300_000, 90)])
def test_a_long_picture_costs_no_more_memory_than_its_middle(width, height):
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[(height - 1) // 2 :, (width - 1) // 2 :] = 200
    picture = Image.fromarray(pixels)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = fit(picture, 64)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.shape == (3, 64, 64)
    assert grown < 200_000  # kB
    assert found[0, -1, -1] == 200


def test_long_pictures_keep_their_middle():
    """Up to eight times as long as wide bit by bit; beyond, but for rounding."""
    for width in (64, 65, 300):
        small = Image.fromarray(noise(width, 8)).resize((2 * width, 16), Image.Resampling.BICUBIC)
        left = (2 * width - 16) // 2
        found = fitted(noise(width, 8), 16)
        assert np.abs(found.astype(int) - np.asarray(small)[:, left : left + 16]).max() <= 1
