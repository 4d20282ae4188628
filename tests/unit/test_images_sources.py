"""Images of every kind of source: order, names, pixels, and what is refused."""

import io
import json
import struct
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.base.errors import PipelineError
from pipeline.image.dataset import decode, sources
from pipeline.image.dataset.generated import generate_image
from pipeline.image.dataset.sources import read_images
from pipeline.image.settings import ImageSource
from tests.unit.settings_case import section_of
from tests.unit.test_images_decode import JPEG, file_of, halved, noise

KEY = "domains.image.data"


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setattr(decode, "_cores", lambda: 1)


def pixels(count, side=4, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


def channel_first(images):
    return images.transpose(0, 3, 1, 2)


def images_of(source, *arguments):
    return read_images(section_of(ImageSource, source), *arguments)


def refused(*arguments):
    with pytest.raises(PipelineError) as error:
        list(images_of(*arguments))
    assert "\n" not in str(error.value)
    return str(error.value)


FIRST, SECOND = pixels(4), pixels(3, seed=1)
SHEETS = {
    "kind": "package",
    "registry": "npm",
    "name": "sheets",
    "version": "1",
    "sha256": "0" * 64,
    "files": "package/*.png",
    "labels": ["package/one.json", "package/two.json"],
    "classes": None,
}


def sheet(images):
    return file_of(images.reshape(len(images), -1, 3))


def archive(path, **changes):
    """Files in another order than that of their names."""
    files = {
        "package/b.png": sheet(SECOND),
        "package/a.png": sheet(FIRST),
        "package/two.json": json.dumps([1, 2, 0]).encode(),
        "package/one.json": json.dumps([0, 1, 1, 2]).encode(),
    }
    files |= {f"package/{name.replace('_', '.')}": content for name, content in changes.items()}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_sheets_are_read_row_by_row_in_the_order_of_their_names(tmp_path):
    found = list(images_of(SHEETS, [archive(tmp_path / "x.tgz")], 4))
    both = channel_first(np.concatenate([FIRST, SECOND]))
    assert np.array_equal([image.pixels for image in found], both)
    assert [image.name for image in found[3:5]] == ["package/a.png[3]", "package/b.png[0]"]


def test_classes_are_chosen_by_labels_across_sheets(tmp_path):
    found = list(images_of(SHEETS | {"classes": [1]}, [archive(tmp_path / "x.tgz")], 4))
    assert [i.name for i in found] == ["package/a.png[1]", "package/a.png[2]", "package/b.png[0]"]
    expected = channel_first(np.stack([FIRST[1], FIRST[2], SECOND[0]]))
    assert np.array_equal([image.pixels for image in found], expected)


def test_images_of_sheets_are_scaled(tmp_path):
    image, *_ = images_of(SHEETS, [archive(tmp_path / "x.tgz")], 2)
    assert np.array_equal(image.pixels, halved(FIRST[0]).transpose(2, 0, 1))


def test_sheets_need_no_labels(tmp_path):
    assert len(list(images_of(SHEETS | {"labels": []}, [archive(tmp_path / "x.tgz")], 4))) == 7


@pytest.mark.parametrize("labels", [[1, 2], [1, 2, 0, 1], []])
@pytest.mark.parametrize("classes", [None, [1]])
def test_labels_of_another_length_are_refused(tmp_path, labels, classes):
    path = archive(tmp_path / "x.tgz", two_json=json.dumps(labels).encode())
    message = refused(SHEETS | {"classes": classes}, [path], 4)
    assert f"has 7 images, but package/one.json, package/two.json {4 + len(labels)}" in message
    assert f"{KEY}.source.files" in message


@pytest.mark.parametrize("labels", [b"[1, 2", b'["cat", "dog", "cow"]', b"7", b"[[1], [2], [3]]"])
def test_labels_must_be_a_list_of_numbers(tmp_path, labels):
    message = refused(SHEETS, [archive(tmp_path / "x.tgz", two_json=labels)], 4)
    assert "package/two.json is no JSON list of classes" in message
    assert f"{KEY}.source.labels" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [(file_of(noise(15, 3)), "15 pixels wide"), (sheet(SECOND)[:-40], "no sheet of images")],
)
def test_sheets_must_hold_square_images(tmp_path, content, reason):
    message = refused(SHEETS, [archive(tmp_path / "x.tgz", b_png=content)], 4)
    assert reason in message and "package/b.png" in message and f"{KEY}.source.files" in message


NPZ = {"kind": "npz", "path": "unused", "files": "*.npz"}


def save_batch(path, images, save=np.savez, **more):
    save(path, data=channel_first(images).reshape(len(images), -1), labels=[0], **more)
    return path


def test_batches_are_read_in_order_and_unchanged(tmp_path):
    second = save_batch(tmp_path / "b.npz", SECOND)
    first = save_batch(tmp_path / "a.npz", FIRST, np.savez_compressed)
    found = list(images_of(NPZ, [second, first], 4))
    both = channel_first(np.concatenate([FIRST, SECOND]))
    assert np.array_equal([image.pixels for image in found], both)
    assert [image.name for image in found[3:5]] == ["a.npz[3]", "b.npz[0]"]


def test_a_batch_of_another_size_is_refused(tmp_path):
    message = refused(NPZ, [save_batch(tmp_path / "a.npz", FIRST)], 8)
    assert "shape (4, 48)" in message and "(N, 192)" in message and f"{KEY}.size = 8" in message


def damaged(path):
    save_batch(path, FIRST)
    path.write_bytes(path.read_bytes()[:200])


BATCHES = {
    "is a placeholder of Git LFS": lambda p: p.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    ),
    "cannot be read as a batch of images": lambda p: np.save(p.open("wb"), FIRST),
    "cannot be read": damaged,
    "allow_pickle": lambda path: np.savez(path, data=np.array([{}], object)),
    "data is not a file": lambda path: np.savez(path, images=FIRST),
    "float64": lambda path: np.savez(path, data=np.zeros((2, 48))),
    "shape ()": lambda path: np.savez(path, data=np.uint8(3)),
    "shape (2, 3, 48)": lambda path: np.savez(path, data=np.zeros((2, 3, 48), np.uint8)),
    "cannot be read as a batch": lambda path: claim(path, "(99999999999, 48)"),
    "it holds more than 8 GiB": lambda path: declare(path, 1 << 40),
}


def claim(path, shape):
    """A header of another shape than that of the numbers that follow."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    content = np.lib.format.magic(1, 0) + struct.pack("<H", len(header)) + header.encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", content + bytes(96))


def declare(path, size):
    """A central directory that tells of a size beyond all use."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", b"")
        archive.infolist()[0].file_size = size


@pytest.mark.parametrize("reason", BATCHES)
def test_what_is_no_batch_is_refused(tmp_path, reason):
    BATCHES[reason](tmp_path / "a.npz")
    message = refused(NPZ, [tmp_path / "a.npz"], 4)
    assert reason in message and str(tmp_path / "a.npz") in message


HUB = {"kind": "hub", "dataset": "o/n", "revision": "0" * 40, "files": "data/*.parquet"}


def write_parquet(directory, name, column):
    (directory / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": column, "label": [0] * len(column)}), directory / name)


PLAIN = {"binary": pa.binary(), "large": pa.large_binary(), "view": pa.binary_view()}


@pytest.mark.parametrize("kind", ["struct", *PLAIN])
def test_columns_of_images_are_read_some_rows_at_a_time(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(sources, "_ROWS", 2)
    files = [file_of(image) for image in FIRST]
    files[2] = None

    def column(contents):
        if kind in PLAIN:
            return pa.array(contents, PLAIN[kind])
        rows = [None if c is None else {"bytes": c, "path": "x.png"} for c in contents]
        return pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))

    write_parquet(tmp_path, "data/b.parquet", column([file_of(SECOND[0])]))
    write_parquet(tmp_path, "data/a.parquet", column(files))
    write_parquet(tmp_path, "other.parquet", column(files))
    found = list(images_of(HUB | {"column": "image"}, [tmp_path], 4))
    names = [*(f"data/a.parquet[{row}]" for row in range(4)), "data/b.parquet[0]"]
    assert [image.name for image in found] == names
    assert found[2].flaw == "there is no content"
    expected = channel_first(np.stack([*FIRST[[0, 1, 3]], SECOND[0]]))
    assert np.array_equal([image.pixels for image in found if not image.flaw], expected)


@pytest.mark.parametrize("column", ["label", "absent"])
def test_a_column_of_anything_else_is_refused(tmp_path, column):
    write_parquet(tmp_path, "data/a.parquet", pa.array([b"x"], pa.binary()))
    message = refused(HUB | {"column": column}, [tmp_path], 4)
    assert f"no column '{column}' of images" in message
    assert f"set {KEY}.source.column to one of ['image']" in message


def test_a_directory_is_read_in_order_whatever_its_pictures(tmp_path):
    (tmp_path / "below").mkdir()
    grey, rgba = noise(9, 6)[..., 0], np.dstack([noise(6, 8), noise(6, 8)[..., :1]])
    Image.fromarray(grey).save(tmp_path / "below/grey.png")
    Image.fromarray(rgba).save(tmp_path / "c.png")
    (tmp_path / "a.jpg").write_bytes(JPEG[: len(JPEG) // 2])
    files = [tmp_path / name for name in ("c.png", "below/grey.png", "a.jpg")]
    found = list(images_of({"kind": "directory", "path": str(tmp_path), "files": "**/*"}, files, 6))
    assert [image.name for image in found] == ["a.jpg", "below/grey.png", "c.png"]
    assert found[0].pixels is None and "truncated" in found[0].flaw
    assert np.array_equal(found[1].pixels, [grey[:, 1:7]] * 3)
    assert np.array_equal(found[2].pixels, rgba[1:7, :, :3].transpose(2, 0, 1))


def test_generated_images_are_a_function_of_seed_and_number():
    def generated(**source):
        return [i.pixels for i in images_of({"kind": "generated", **source}, [], 16)]

    few, many, others = (
        generated(count=3, seed=0),
        generated(count=5, seed=0),
        generated(count=5, seed=1),
    )
    assert np.array_equal(few, many[:3])
    assert len({image.tobytes() for image in (*many, *others)}) == 10


def test_generated_images_have_an_object_on_a_background_with_lines():
    image = generate_image(0, 3, 64).astype(int)
    colours, counts = np.unique(image.reshape(3, -1), axis=1, return_counts=True)
    inside = (image == colours[:, counts.argmax(), None, None]).all(0)
    assert 0.03 < inside.mean() < 0.4
    assert not inside[[0, -1]].any() and not inside[:, [0, -1]].any()
    steps = np.abs(np.diff(image[:, 0], axis=1)), np.abs(np.diff(image[..., 0], axis=1))
    assert max(np.median(s[:, 1::2]) for s in steps) > 15  # lines of one direction
