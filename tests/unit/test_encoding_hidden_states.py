"""Encoders of transformers: hidden states of tiny ConvNeXt, ResNet and CLIP models as maps."""

import json

import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    ConvNextConfig,
    ConvNextForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
)

from pipeline.encoding import encoder
from pipeline.encoding.encoder import load_encoder, prepare_encoder
from pipeline.errors import PipelineError
from tests.unit.test_encoding_encoder import pixels, refusing

NORMALISATION = {"image_mean": [0.4, 0.5, 0.3], "image_std": [0.2, 0.3, 0.25]}


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(encoder, "choose_device", lambda: torch.device("cpu"))


def convnext():
    return ConvNextForImageClassification(
        ConvNextConfig(hidden_sizes=[8, 16, 24], depths=[1, 2, 1], num_stages=3)
    )


def resnet():
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
    return ResNetForImageClassification(ResNetConfig(layer_type="basic", **sizes))


def clip():
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 2}
    vision = {**sizes, "image_size": 32, "patch_size": 8}
    text = {**sizes, "vocab_size": 20, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=8))


MODELS = {"convnext": convnext, "resnet": resnet, "clip": clip}
VISION = {"convnext": "convnext", "resnet": "resnet", "clip": "vision_model"}


def save(architecture, directory):
    torch.manual_seed(0)
    model = MODELS[architecture]().eval()
    model.save_pretrained(directory)
    (directory / "preprocessor_config.json").write_text(json.dumps(NORMALISATION))
    return model


def prepared(source, output):
    prepare_encoder({"kind": "directory", "path": str(source), "name": "x"}, None, output)
    return output


def hidden_states(architecture, model):
    """Of the vision part of a whole model, with the library's own preprocessing."""
    processor = CLIPImageProcessorPil(
        do_resize=False, do_center_crop=False, do_rescale=True, **NORMALISATION
    )
    images = list(pixels().numpy().astype(np.uint8).transpose(0, 2, 3, 1))
    inputs = torch.as_tensor(np.stack(processor(images)["pixel_values"]))
    with torch.inference_mode():
        part = getattr(model, VISION[architecture])
        return part(pixel_values=inputs, output_hidden_states=True).hidden_states


@pytest.mark.parametrize("architecture", ["convnext", "resnet"])
def test_hidden_states_are_those_of_the_model(tmp_path, architecture):
    expected = hidden_states(architecture, save(architecture, tmp_path / "source"))
    directory = prepared(tmp_path / "source", tmp_path / "encoder")
    found = load_encoder(directory, range(len(expected))).features(pixels())
    for layer, features in found.items():
        assert features.shape[2] > 1
        assert torch.allclose(features, expected[layer], atol=1e-4)
    assert json.loads((directory / "encoder.json").read_text())["layers"] == len(expected)


def test_tokens_of_clip_go_back_to_their_places(tmp_path):
    expected = hidden_states("clip", save("clip", tmp_path / "source"))
    found = load_encoder(prepared(tmp_path / "source", tmp_path / "encoder"), [0, 2])
    for layer, features in found.features(pixels()).items():
        assert features.shape == (2, 16, 4, 4)
        for row, column in [(0, 0), (0, 3), (2, 1), (3, 3)]:
            token = expected[layer][:, 1 + 4 * row + column]
            assert torch.allclose(features[:, :, row, column], token, atol=1e-4)


def test_the_text_part_of_clip_is_left_out(tmp_path):
    whole = save("clip", tmp_path / "source")
    record = load_encoder(prepared(tmp_path / "source", tmp_path / "encoder"), [0]).record
    vision = sum(weight.numel() for weight in whole.vision_model.parameters())
    assert record["parameters"] == vision
    assert record["layers"] == 3


def test_images_of_another_size_than_a_model_takes_are_refused(tmp_path):
    save("clip", tmp_path / "source")
    found = load_encoder(prepared(tmp_path / "source", tmp_path / "encoder"), [0])
    with pytest.raises(PipelineError, match=r"64.*32.*correct domains\.image\.encoder\.size"):
        found.features(pixels(1, 64))


def test_the_hub_is_asked_for_one_revision_and_no_pickles(tmp_path, monkeypatch):
    save("resnet", tmp_path / "snapshots" / ("a" * 40))
    asked = {}

    def download(name, **options):
        asked.update(options, name=name)
        return str(tmp_path / "snapshots" / ("a" * 40))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    settings = {"kind": "hub", "model": "owner/name", "revision": "main", "name": "x"}
    prepare_encoder(settings, None, tmp_path / "encoder")
    assert (asked["name"], asked["revision"]) == ("owner/name", "main")
    names = ["model.safetensors", "config.json", "preprocessor_config.json", "pytorch_model.bin"]
    fetched = huggingface_hub.utils.filter_repo_objects(
        names, allow_patterns=asked["allow_patterns"]
    )
    assert list(fetched) == names[:3]
    record = load_encoder(tmp_path / "encoder", [0]).record
    assert (record["id"], record["revision"]) == ("owner/name", "a" * 40)


def only_pickles(source):
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


DAMAGES = {
    "holds no model*.safetensors": only_pickles,
    "preprocessor_config.json": lambda s: (s / "preprocessor_config.json").unlink(),
    "image_mean": lambda s: (s / "preprocessor_config.json").write_text("{}"),
    "martian": lambda s: edit(s / "config.json", model_type="martian"),
    "custom code": lambda s: edit(
        s / "config.json", model_type="own", auto_map={"AutoConfig": "own.Own"}
    ),
    "weights lack": lambda s: edit(s / "config.json", hidden_sizes=[8, 24]),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_a_model_that_cannot_be_loaded_is_refused(tmp_path, reason):
    save("resnet", tmp_path / "source")
    DAMAGES[reason](tmp_path / "source")
    with refusing(reason, str(tmp_path / "source"), "domains.image.encoder.model"):
        prepared(tmp_path / "source", tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()


def test_a_model_of_text_is_no_encoder(tmp_path):
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    model = BertModel(BertConfig(vocab_size=20, num_attention_heads=2, **sizes))
    model.save_pretrained(tmp_path / "source")
    (tmp_path / "source/preprocessor_config.json").write_text(json.dumps(NORMALISATION))
    with refusing("cannot be loaded as an encoder"):
        prepared(tmp_path / "source", tmp_path / "encoder")
