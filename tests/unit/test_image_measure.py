"""The image domain's observables, from files of features to a table."""

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.base.spec import Spec
from pipeline.image import measure as image_measure
from pipeline.image.estimators.pixels import as_pictures, white_noise
from pipeline.measurement.measure import measure
from tests.unit import image_training_case as case
from tests.unit.settings_case import spec_of

SETTINGS = {
    "jackknife_blocks": 4, "bootstrap_samples": 100, "largest_error": 0.25,
    "kernels": ["gaussian", "cubic"], "components": 2, "real_copies": 0.01,
}  # fmt: skip
CELL = {"setting": {"setting": "set_8px"}, "dataset_size": "64", "replicas": [[None, 3, 5]]}


def write_features(path, seed, place, brightness=0):
    """Tokens, their mean colours as a deep layer, and a coarse copy of them as a map."""
    tokens = white_noise(40, 3 * 8 * 8, seed) // 2 + brightness
    pictures = as_pictures(tokens)
    maps = pictures.reshape(40, 3, 4, 2, 4, 2).mean(axis=(3, 5)).astype(np.float16)
    tensors = {
        "tokens": tokens.astype(np.uint8),
        "layer10": pictures.mean(axis=(2, 3), dtype=np.float32),
        "layer2": pictures[:, :, ::4, 0].reshape(40, -1).astype(np.float32),
        "map2": maps,
    }
    stamp = make_stamp(
        "features", Spec("encode", "image", None, {"stage": "encode", "settings": {}}), {}
    )
    sampled = {"stage": "sample", "settings": {"samples": 40}}
    tensors = {name: tensor[None] for name, tensor in tensors.items()}
    write_tensors(path, tensors, stamp | {"sampled": sampled} | place)


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "reference.safetensors"
    write_features(path, 1, {"control": {"control": "reference"}})
    return path


def run(tmp_path, reference, name, places, **more):
    files = [tmp_path / f"features{n}.safetensors" for n in range(len(places))]
    for path, place in zip(files, places, strict=True):
        write_features(path, 2, place, **more)
    output = tmp_path / f"{name}.parquet"
    spec = spec_of("measure", "image", SETTINGS)
    measure(spec, image_measure, [reference], None, files, output)
    return tables.read_table(output, name), tables.read_table_stamp(output)


def trained(step):
    return {
        "trained": spec_of("train", "image", case.TRAIN | {"cell": CELL}).plain,
        "step": step,
        "averages": [None],
    }


def test_every_observable_of_every_layer_has_its_rows(tmp_path, reference):
    table, stamp = run(tmp_path, reference, "measurements", [trained(1), trained(10)])
    assert set(table["step"]) == {1, 10}
    assert table[["setting", "dataset_size", "data_seed", "network_seed"]].drop_duplicates(
    ).to_numpy().tolist() == [["set_8px", "64", 3, 5]]  # fmt: skip
    first = table[table["step"] == 1]
    distances = first[first["quantity"] == "mmd"]
    assert distances[["layer", "kernel"]].to_numpy().tolist() == [
        [2, "gaussian"], [2, "cubic"], [10, "gaussian"], [10, "cubic"],
    ]  # fmt: skip
    assert first[first["quantity"] == "frechet"]["layer"].tolist() == [2, 10]
    assert first[first["quantity"] == "power"]["frequency"].tolist() == [1, 2, 3, 4]
    reach = {None: [0, 1, 2, 3, 4], 2: [0, 2, 4]}
    for layer, expected in reach.items():
        chosen = first["layer"].isna() if layer is None else first["layer"] == layer
        rows = first[chosen]
        correlations = rows[rows["quantity"] == "feature_correlation"]
        assert correlations["distance"].tolist() == expected
        ratios = rows[rows["quantity"] == "correlation_ratio"]
        assert ratios["distance"].tolist() == expected[1:]
        assert (rows["quantity"] == "equivalent_block_length").sum() == 1
    assert set(stamp["upstream"]) == {"train", "sample", "encode"}


def test_controls_are_placed_by_their_columns(tmp_path, reference):
    columns = {"setting": "set_8px", "control": "blocks", "block_length": 4.0}
    table, stamp = run(tmp_path, reference, "calibration", [{"control": columns}])
    assert table[list(columns)].drop_duplicates().to_numpy().tolist() == [["set_8px", "blocks", 4]]
    assert "step" not in table
    assert set(stamp["upstream"]) == {"sample", "encode"}


def test_brighter_images_are_farther_away(tmp_path, reference):
    def distance(**more):
        table, _ = run(tmp_path, reference, "measurements", [trained(1)], **more)
        found = table[table["quantity"].isin(["mmd", "frechet"]) & (table["layer"] == 10)]
        return found.set_index(found["kernel"].fillna("frechet"))["estimate"]

    near, far = distance(), distance(brightness=60)
    assert (near.drop("frechet").abs() < 0.3 * far.drop("frechet").abs()).all()
    assert near["frechet"] < 0.1 * far["frechet"]
    assert pd.notna(far).all()
