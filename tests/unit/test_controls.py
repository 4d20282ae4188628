"""Controls of text and images: what is kept as which, and that sets have nothing in common."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.artifacts.tensors import make_stamp, read_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.image import controls as image_controls
from pipeline.measurement.controls import make_controls
from tests.unit.settings_case import BARE, spec_of

SETTINGS = {"setting": "set_4px", "samples": 6, "block_lengths": [1, 2, 4]}
SPEC = spec_of("controls", "image", SETTINGS | {"reference_images": 16}, reference_images=10)
NAMES = ("reference", "real", "noise", "blocks1", "blocks2", "blocks4")


def write_images(path, held_out=20):
    """Every pixel tells its image; no two are alike."""
    validation = np.repeat(np.arange(held_out, dtype=np.uint8)[:, None], 3 * 4 * 4, axis=1)
    stamp = make_stamp("images", BARE, {})
    write_tensors(path, {"validation": validation, "training": validation}, stamp)


@pytest.fixture
def made(tmp_path):
    source = tmp_path / "images.safetensors"
    write_images(source)
    outputs = [tmp_path / f"{name}.safetensors" for name in NAMES]
    make_controls(SPEC, image_controls, source, outputs)
    found = {path.stem: read_tensors(path, "samples") for path in outputs}
    return read_stamp(source, "images"), found


def test_controls_say_which_they_are_and_what_they_were_made_of(made):
    source, found = made
    for name, artifact in found.items():
        columns = artifact.stamp["control"]
        assert columns["setting"] == "set_4px"
        assert columns["control"] == name.rstrip("124")
        length = columns["block_length"]
        assert length is None if not name.startswith("blocks") else f"blocks{length:g}" == name
        assert artifact.stamp["inputs"] == {"images.safetensors": source["sha256"]}
        assert json.dumps(artifact.stamp, allow_nan=False)


def test_reference_and_real_images_have_none_in_common(made):
    _, found = made
    reference, real = (found[name].tensors["tokens"] for name in ("reference", "real"))
    assert (reference.shape, real.shape) == ((1, 10, 48), (1, 6, 48))
    assert len({*reference[0, :, 0].tolist(), *real[0, :, 0].tolist()}) == 16
    assert reference[0, :, 0].tolist() != sorted(reference[0, :, 0].tolist())


def test_blocks_are_of_the_real_images_and_noise_is_of_none(made):
    _, found = made
    tokens = {name: artifact.tensors["tokens"] for name, artifact in found.items()}
    for length in (1, 2, 4):
        blocks = tokens[f"blocks{length}"]
        assert np.array_equal(np.sort(blocks, axis=1), np.sort(tokens["real"], axis=1))
        assert len(np.unique(blocks[0, 0])) <= (4 // length) ** 2
    assert tokens["noise"].shape == (1, 6, 48)
    assert tokens["noise"].std() > 60


def test_too_few_held_out_images_are_an_error_with_all_numbers(tmp_path):
    source = tmp_path / "images.safetensors"
    write_images(source, held_out=15)
    message = "validation_fraction leaves 15 images .*_images = 10 .*samples = 6 need 16"
    with pytest.raises(PipelineError, match=message):
        make_controls(SPEC, image_controls, source, [tmp_path / "a"] * 6)


def test_a_part_must_make_as_many_controls_as_there_are_outputs(tmp_path):
    source = tmp_path / "images.safetensors"
    write_images(source)
    part = SimpleNamespace(SOURCE="images", controls=lambda *_: iter([({}, np.zeros((2, 3)))]))
    with pytest.raises(ValueError, match="zip"):
        make_controls(SPEC, part, source, [tmp_path / "a", tmp_path / "b"])
