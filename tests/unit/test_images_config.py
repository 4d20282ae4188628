"""Sections of the config on image data and the encoder: what is refused before anything runs."""

import pytest
from pydantic import ValidationError

from pipeline.config.image import Data, Encoder
from pipeline.config.resources import source_archives
from pipeline.image.settings import PackageImages

PACKAGE = {"registry": "npm", "name": "@o/sheets", "version": "1.0", "sha256": "0" * 64}
SHEETS = {**PACKAGE, "kind": "package", "files": "*.png", "labels": ["a.json"], "classes": [1]}
IMAGES = {
    "name": "cars",
    "description": "of a test",
    "source": SHEETS,
    "size": 16,
    "validation_fraction": 0.3,
    "split_seed": 0,
    "validation_size": 8,
    "most_corrupt": 0,
}
ENCODER = {"model": {"kind": "random", "name": "random"}, "size": 16, "layers": [0, 2]}
ENCODER |= {"map_layers": [2]}


def test_every_kind_of_source_is_known():
    hub = {"kind": "hub", "dataset": "o/n", "revision": "a" * 40, "files": "*", "column": "image"}
    files = {"path": "below", "files": "*"}
    sources = [
        SHEETS,
        hub,
        {"kind": "npz", **files},
        {"kind": "directory", **files},
        {"kind": "generated", "count": 3, "seed": 0},
    ]
    for source in sources:
        images = Data.model_validate(IMAGES | {"source": source})
        assert images.plain()["source"] == source
    archives = source_archives(Data.model_validate(IMAGES))
    assert archives == ["resources/npm/o-sheets-1.0.tgz"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "Two Words"}, "name"),
        ({"validation_fraction": 0.0}, "validation_fraction"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"most_corrupt": -1}, "most_corrupt"),
        ({"source": SHEETS | {"labels": []}}, "classes = \\[1\\] need files of labels"),
        ({"source": SHEETS | {"classes": []}}, "classes"),
        ({"source": {"kind": "generated", "count": 0, "seed": 0}}, "count"),
    ],
)
def test_images_that_cannot_be_made_are_refused(change, reason):
    with pytest.raises(ValidationError, match=reason):
        Data.model_validate(IMAGES | change)


def test_all_classes_need_no_labels():
    assert PackageImages.model_validate(SHEETS | {"labels": [], "classes": None}).classes is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"map_layers": [1]}, "map_layers = \\[1\\] must be among layers = \\[0, 2\\]"),
        ({"map_layers": []}, "map_layers"),
        ({"layers": [2, 0]}, "must increase"),
        ({"layers": [-1, 2]}, "layers"),
        ({"model": {"kind": "gguf", "name": "x"}}, "model"),
    ],
)
def test_encoders_that_do_not_fit_are_refused(change, reason):
    with pytest.raises(ValidationError, match=reason):
        Encoder.model_validate(ENCODER | change)


def test_every_kind_of_encoder_is_known():
    models = [
        {"kind": "random", "name": "x"},
        {"kind": "directory", "path": "y", "name": "x"},
        {"kind": "hub", "model": "o/n", "revision": "main", "name": "x"},
        {"kind": "efficientnet_lite0", "package": PACKAGE, "file": "*.pth", "name": "x"},
    ]
    for model in models:
        assert Encoder.model_validate(ENCODER | {"model": model}).plain()["model"] == model
