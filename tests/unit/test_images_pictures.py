"""The stage `pictures`: the first samples of every file as PNG files."""

import io

import numpy as np
from PIL import Image

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.image.pictures import keep_pictures
from tests.unit import image_training_case as case
from tests.unit.settings_case import BARE, spec_of

CELL = {"setting": {"setting": "x"}, "dataset_size": "online"}
CELL |= {"replicas": [[None, 0, 0], [None, 0, 7]]}
TRAINED = {"step": 5, "averages": [None]}
TRAINED |= {"trained": spec_of("train", "image", case.TRAIN | {"cell": CELL}).plain}


def write_samples(path, tokens, **origin):
    stamp = make_stamp("samples", BARE, {}) | origin
    write_tensors(path, {"tokens": tokens}, stamp)
    return path


def tokens(replicas, count, side=4):
    shape = (replicas, count, 3 * side * side)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def kept(tmp_path, *samples, shown=2):
    output = tmp_path / "pictures.parquet"
    keep_pictures(spec_of("pictures", "image", {"shown_images": shown}), samples, output)
    return tables.read_table(output, "pictures")


def test_pictures_are_the_first_samples_of_every_replica(tmp_path):
    made = tokens(2, 3)
    table = kept(tmp_path, write_samples(tmp_path / "step5", made, **TRAINED))
    assert table["network_seed"].tolist() == [0, 0, 7, 7]
    assert table["sample"].tolist() == [0, 1, 0, 1]
    assert (table["step"] == 5).all()
    for png, expected in zip(table["png"], made[:, :2].reshape(4, 3, 4, 4), strict=True):
        picture = np.asarray(Image.open(io.BytesIO(png)))
        assert np.array_equal(picture, expected.transpose(1, 2, 0))


def test_controls_have_columns_of_their_own(tmp_path):
    control = {"setting": "x", "control": "blocks", "block_length": 4.0}
    made = write_samples(tmp_path / "blocks4", tokens(1, 3), control=control)
    table = kept(tmp_path, write_samples(tmp_path / "step5", tokens(2, 1), **TRAINED), made)
    assert table["block_length"].tolist()[2:] == [4.0, 4.0]
    assert table["control"].tolist()[2:] == ["blocks", "blocks"]
