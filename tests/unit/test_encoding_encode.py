"""The stage `encode`: scaling, what is kept of features, batches, and going on after a kill."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.artifacts import streams
from pipeline.artifacts.seals import read_sealed
from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.image.features import encode as stage
from pipeline.image.features import encoder
from pipeline.image.features.encode import encode, scale
from pipeline.image.features.encoder import Encoder, load_encoder, prepare_encoder
from pipeline.sources.settings import RandomModel
from tests.unit.settings_case import BARE, spec_of

CPU = torch.device("cpu")
SPEC = spec_of("encode", "image", {"size": 16, "layers": [0, 2], "map_layers": [0]})
OTHER = replace(SPEC, plain={**SPEC.plain, "other": "spec"})
TRAINED = {"step": 5, "trained": {"settings": {"cell": "of a network"}}}


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(encoder, "choose_device", lambda: CPU)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("encoders") / "random"
    prepare_encoder(RandomModel(kind="random"), None, directory)
    return directory


def images(count=7, side=8, replicas=1):
    shape = (replicas, count, 3 * side * side)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def write_samples(path, tokens, **origin):
    stamp = make_stamp("samples", replace(BARE, plain={"made": "so"}), {}) | origin
    write_tensors(path, {"tokens": tokens}, stamp)
    return path


@pytest.fixture
def encoded(tmp_path, model):
    def features(tokens, spec=SPEC, **origin):
        samples = write_samples(tmp_path / "samples", tokens, **(origin or TRAINED))
        encode(spec, model, [samples], [tmp_path / "features" / "step5"])
        return streams.map_tensors(tmp_path / "features" / "step5", "features")

    return features


@pytest.mark.parametrize("size", [8, 24, 5])
def test_images_are_scaled_as_pillow_does_with_its_bicubic_filter(size):
    tokens = images()[0] // 2 + 64  # Pillow cuts off what overshoots after each axis
    for found, image in zip(scale(tokens, size, CPU), tokens.reshape(-1, 3, 8, 8), strict=True):
        picture = Image.fromarray(image.transpose(1, 2, 0)).resize((size, size), 3)
        assert found.permute(1, 2, 0).numpy() == pytest.approx(np.asarray(picture), abs=1.5)
    assert scale(tokens, size, CPU).dtype == torch.float32
    assert torch.equal(scale(tokens, 8, CPU), torch.from_numpy(tokens.reshape(-1, 3, 8, 8)).float())


def test_what_overshoots_is_cut_off():
    edge = np.repeat([0, 255], 4)
    tokens = np.broadcast_to(edge, (3, 8, 8)).reshape(1, -1).astype(np.uint8)
    scaled = scale(tokens, 32, CPU)
    assert (scaled.min(), scaled.max()) == (0, 255)


def test_maps_and_their_means_are_kept(encoded, model):
    tokens = images()
    tensors = encoded(tokens).tensors
    expected = load_encoder(model, [0, 2]).features(scale(tokens[0], 16, CPU))
    assert {*tensors} == {"tokens", "layer0", "layer2", "map0"}
    assert np.array_equal(tensors["tokens"], tokens)
    assert (tensors["map0"].dtype, tensors["layer2"].dtype) == (np.float16, np.float32)
    assert tensors["map0"].shape == (1, 7, 8, 8, 8)
    assert tensors["map0"][0] == pytest.approx(expected[0].numpy(), rel=1e-3, abs=1e-6)
    for layer, maps in expected.items():
        assert tensors[f"layer{layer}"][0] == pytest.approx(maps.numpy().mean((2, 3)), rel=1e-4)


def test_features_do_not_depend_on_batches(encoded, monkeypatch):
    whole = encoded(images()).tensors
    monkeypatch.setattr(stage, "_BATCH", 3)
    parts = encoded(images(), OTHER).tensors
    for name, tensor in whole.items():
        assert np.allclose(parts[name], tensor, rtol=2e-3 if name == "map0" else 1e-5)


def test_replicas_are_kept_apart(encoded, monkeypatch):
    monkeypatch.setattr(stage, "_BATCH", 4)
    both = images(3, replicas=2)
    tensors = encoded(both).tensors
    second = encoded(both[1:], OTHER).tensors
    assert tensors["map0"].shape == (2, 3, 8, 8, 8)
    for name in ("tokens", "layer0", "layer2", "map0"):
        assert np.allclose(tensors[name][1], second[name][0], rtol=2e-3)


def test_the_stamp_tells_what_was_encoded_and_how(encoded, model):
    stamp = encoded(images()).stamp
    assert (stamp["step"], stamp["trained"]) == (5, TRAINED["trained"])
    assert stamp["sampled"] == {"made": "so"}
    assert stamp["encoder"] == read_sealed(model / "encoder.json")
    control = {"setting": "x", "control": "blocks", "block_length": 4.0}
    stamp = encoded(images(), control=control).stamp
    assert stamp["control"] == control
    assert "step" not in stamp


@pytest.fixture
def calls(monkeypatch):
    made, features = [], Encoder.features

    def counted(self, batch):
        made.append(len(batch))
        return features(self, batch)

    monkeypatch.setattr(Encoder, "features", counted)
    return made


def test_finished_files_are_not_made_again(tmp_path, model, calls):
    samples = [write_samples(tmp_path / f"s{n}", images(n), **TRAINED) for n in (2, 3)]
    outputs = [tmp_path / "out" / f"step{n}" for n in (2, 3)]
    encode(SPEC, model, samples[:1], outputs[:1])
    outputs[0].unlink()  # as Snakemake does before it runs a job again
    encode(SPEC, model, samples, outputs)
    assert calls == [2, 3]
    assert all(streams.map_tensors(path, "features") for path in outputs)
    write_samples(samples[0], images(4), **TRAINED)
    encode(SPEC, model, samples, outputs)
    assert calls == [2, 3, 4]


def test_a_file_of_another_lineage_is_made_again(tmp_path, model, calls):
    samples, output = write_samples(tmp_path / "s", images(), **TRAINED), tmp_path / "out" / "step5"
    for lineage in ({"image/dataset.safetensors": name} for name in "ab"):
        encode(replace(SPEC, lineage=lineage), model, [samples], [output])
        assert streams.map_tensors(output, "features").stamp["lineage"] == lineage
    assert calls == [7, 7]


def test_a_damaged_file_is_made_again(tmp_path, model, calls):
    samples, output = write_samples(tmp_path / "s", images(), **TRAINED), tmp_path / "out" / "step5"
    encode(SPEC, model, [samples], [output])
    (made,) = (tmp_path / "out" / ".work").glob("*/step5")
    made.write_bytes(made.read_bytes()[:-9])
    encode(SPEC, model, [samples], [output])
    assert calls == [7, 7]
    streams.map_tensors(output, "features")


@pytest.mark.parametrize("altered", ["edited", "of another step"])
def test_what_was_altered_where_it_is_published_is_made_again(tmp_path, model, calls, altered):
    samples, output = write_samples(tmp_path / "s", images(), **TRAINED), tmp_path / "out" / "step5"
    encode(SPEC, model, [samples], [output])
    good = output.read_bytes()
    if altered == "edited":
        content = good.replace(b'\\"step\\": 5', b'\\"step\\": 6')
    else:  # whole, and copied over it
        later = write_samples(tmp_path / "later", images(), **{**TRAINED, "step": 9})
        encode(SPEC, model, [later], [tmp_path / "elsewhere" / "step9"])
        content = (tmp_path / "elsewhere" / "step9").read_bytes()
    assert content != good
    with output.open("r+b") as file:  # the working copy is the same file
        file.write(content)
        file.truncate()
    before = len(calls)
    output.unlink()  # as Snakemake does before it runs a job that is forced
    encode(SPEC, model, [samples], [output])
    assert len(calls) == before + 1
    assert output.read_bytes() == good


@pytest.mark.parametrize("value", [float("nan"), 1e30])
def test_features_that_are_no_numbers_are_refused(encoded, monkeypatch, tmp_path, value):
    broken = {0: torch.full((7, 8, 8, 8), value), 2: torch.zeros(7, 32, 2, 2)}
    monkeypatch.setattr(Encoder, "features", lambda self, batch: broken)
    with pytest.raises(PipelineError, match="domains.image.encoder: features of layer 0"):
        encoded(images())
    assert not (tmp_path / "features" / "step5").exists()
    assert not list(tmp_path.rglob("*.tmp"))
