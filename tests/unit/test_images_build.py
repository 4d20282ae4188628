"""The stage `images`: the split, corrupt images, and what the stamp tells."""

import numpy as np
import pytest
from PIL import Image

from pipeline.artifacts import streams
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms
from pipeline.image.dataset import decode
from pipeline.image.dataset.build import make_images
from pipeline.image.dataset.generated import generate_image
from pipeline.sources.archives import file_hash
from tests.unit.settings_case import spec_of
from tests.unit.test_images_sources import SHEETS, archive

SETTINGS = {
    "source": {"kind": "generated", "count": 40, "seed": 0},
    "name": "made",
    "description": "made for a test",
    "size": 4,
    "validation_fraction": 0.3,
    "split_seed": 0,
    "most_corrupt": 2,
    "content": None,
}


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setattr(decode, "_cores", lambda: 1)


@pytest.fixture
def make(tmp_path):
    def made(inputs=(), **settings):
        make_images(
            spec_of("images", "image", SETTINGS | settings), inputs, tmp_path / "made" / "images"
        )
        return streams.map_tensors(tmp_path / "made" / "images", "images")

    return made


def held_out(count, seed=0, fraction=0.3):
    key = stream_key(seed, "validation images")
    return [n for n in range(count) if uniforms(key, n)[0] < fraction]


def strings(numbers):
    return np.stack([generate_image(0, number, 4).ravel() for number in numbers])


def test_every_image_is_in_one_part_by_its_number(make):
    tensors, out = make().tensors, held_out(40)
    assert 5 < len(out) < 20
    assert np.array_equal(tensors["validation"], strings(out))
    assert np.array_equal(tensors["training"], strings(sorted({*range(40)} - {*out})))
    assert tensors["training"].dtype == np.uint8


def test_the_split_depends_on_seed_and_fraction(make):
    assert np.array_equal(make(split_seed=1).tensors["validation"], strings(held_out(40, 1)))
    more = make(validation_fraction=0.8).tensors["validation"]
    assert np.array_equal(more, strings(held_out(40, 0, 0.8)))


def test_the_stamp_tells_which_images_these_are(make):
    assert make().stamp["images"] == {
        "name": "made",
        "description": "made for a test",
        "size": 4,
        "channels": 3,
        "layout": "channel first",
        "count": 40,
        "held_out": len(held_out(40)),
        "corrupt": 0,
        "skipped": [],
    }


def test_archives_and_pixels_are_among_the_inputs(make, tmp_path):
    path = archive(tmp_path / "x.tgz")
    options = {"source": {**SHEETS, "sha256": file_hash(path)}, "validation_fraction": 0.5}
    first, other = make([path], **options), make([path], **options, size=2)
    assert {*first.stamp["inputs"]} == {"x.tgz", "pixels"}
    assert first.stamp["inputs"]["x.tgz"] == other.stamp["inputs"]["x.tgz"]
    assert first.stamp["inputs"]["pixels"] != other.stamp["inputs"]["pixels"]
    archive(path, one_json=b"[3, 3, 3, 3]")
    with pytest.raises(PipelineError, match=r"x\.tgz has sha256 .*, not .* as pinned"):
        make([path], **options)


def test_a_dataset_of_the_hub_is_held_against_what_was_fetched(make, tmp_path):
    (tmp_path / "images").mkdir()
    source = {"kind": "hub", "dataset": "o/n", "revision": "0" * 40, "files": "*"}
    source |= {"column": "image"}
    with pytest.raises(PipelineError, match=r"images cannot be used .*\.manifest\.json"):
        make([tmp_path / "images"], source=source)


@pytest.fixture
def folder(tmp_path):
    directory = tmp_path / "folder"
    directory.mkdir()
    for number in range(40):
        picture = Image.fromarray(generate_image(0, number, 4).transpose(1, 2, 0))
        picture.save(directory / f"{number:02}.png")
    return directory


def damage(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"broken")
    source = {"kind": "directory", "path": str(folder), "files": "*.png"}
    return {"inputs": sorted(folder.iterdir()), "source": source}


def test_corrupt_images_are_named_and_skipped_and_move_no_other(make, folder, capsys):
    out = held_out(40)
    inside = next(n for n in range(40) if n not in out)
    names = sorted([f"{out[0]:02}.png", f"{inside:02}.png"])
    found = make(**damage(folder, *names))
    assert np.array_equal(found.tensors["validation"], strings(out[1:]))
    training = sorted({*range(40)} - {*out, inside})
    assert np.array_equal(found.tensors["training"], strings(training))
    assert found.stamp["images"]["skipped"] == names
    assert found.stamp["images"]["count"] == 38
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"skipping corrupt image {n}: no image of a known format" for n in names]


def test_too_many_corrupt_images_are_refused_and_nothing_is_kept(make, folder, tmp_path):
    with pytest.raises(PipelineError) as error:
        make(**damage(folder, "03.png", "11.png", "12.png", "30.png"))
    assert "12.png is corrupt (no image of a known format)" in str(error.value)
    assert "domains.image.data.most_corrupt = 2" in str(error.value)
    assert list((tmp_path / "made").iterdir()) == []


def test_processes_change_nothing(make, folder, monkeypatch):
    alone = make(**damage(folder, "07.png")).sha256
    monkeypatch.setattr(decode, "_cores", lambda: 2)
    assert make(**damage(folder, "07.png")).sha256 == alone


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"source": {"kind": "npz", "path": ".", "files": "*"}}, "source has no images"),
        ({"validation_fraction": 1e-9}, "holds out 0 of 40 images"),
        ({"validation_fraction": 1 - 1e-9}, "holds out 40 of 40 images"),
    ],
)
def test_an_empty_part_is_refused(make, settings, reason):
    with pytest.raises(PipelineError, match=f"domains.image.data.*{reason}"):
        make(**settings)
