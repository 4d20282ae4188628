"""Encoders of transformers: hidden states of tiny ConvNeXt, ResNet and CLIP models as maps."""

import json

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
    DeiTConfig,
    DeiTModel,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    ResNetConfig,
    ResNetForImageClassification,
    SiglipVisionConfig,
    SiglipVisionModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTMAEConfig,
    ViTMAEModel,
    ViTModel,
)

from pipeline.base.errors import PipelineError
from pipeline.image.features import encoder
from pipeline.image.features.encoder import load_encoder, prepare_encoder
from pipeline.image.features.fitness import check_encoder
from pipeline.image.features.preprocessing import read_preprocessing
from pipeline.sources.settings import DirectoryModel, HubModel
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
    prepare_encoder(DirectoryModel(kind="directory", path=str(source)), None, output)
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


def test_an_encoder_of_the_hub_is_linked_from_where_it_was_fetched_to(tmp_path):
    save("resnet", tmp_path / "fetched" / ("a" * 40))
    settings = HubModel(kind="hub", model="owner/name", revision="main")
    prepare_encoder(settings, tmp_path / "fetched", tmp_path / "encoder")
    record = load_encoder(tmp_path / "encoder", [0]).record
    assert (record["id"], record["revision"]) == ("owner/name", "a" * 40)


def only_pickles(source):
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


DAMAGES = {
    "neither preprocessor_config.json nor processor_config.json": lambda s: (
        s / "preprocessor_config.json"
    ).unlink(),
    "holds no model*.safetensors": only_pickles,
    "preprocessor_config.json is a placeholder of Git LFS": lambda s: (
        s / "preprocessor_config.json"
    ).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
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
    with refusing(reason, str(tmp_path / "source")):
        prepared(tmp_path / "source", tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()


def test_a_model_of_text_is_no_encoder(tmp_path):
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    model = BertModel(BertConfig(vocab_size=20, num_attention_heads=2, **sizes))
    model.save_pretrained(tmp_path / "source")
    (tmp_path / "source/preprocessor_config.json").write_text(json.dumps(NORMALISATION))
    with refusing("cannot be loaded as an encoder"):
        prepared(tmp_path / "source", tmp_path / "encoder")


TOKENS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
TOKENS |= {"intermediate_size": 24, "image_size": 32, "patch_size": 8}
SWIN = {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
OF_TOKENS = {
    "vit": (ViTModel, ViTConfig(**TOKENS), 1),
    "deit": (DeiTModel, DeiTConfig(**TOKENS), 2),
    "siglip": (SiglipVisionModel, SiglipVisionConfig(**TOKENS), 0),
    "registers": (
        Dinov2WithRegistersModel,
        Dinov2WithRegistersConfig(**TOKENS, num_register_tokens=4),
        5,
    ),
    "swin": (SwinModel, SwinConfig(image_size=32, patch_size=4, **SWIN), 0),
}
"""Models whose hidden states are tokens, and how many of them are of no place."""


def save_tokens(name, directory):
    model_class, config, others = OF_TOKENS[name]
    torch.manual_seed(0)
    model = model_class(config).eval()
    model.save_pretrained(directory)
    declare(directory)
    return model, others


def declare(directory, **values):
    (directory / "preprocessor_config.json").write_text(json.dumps(NORMALISATION | values))


@pytest.mark.parametrize("name", OF_TOKENS)
def test_tokens_go_back_to_their_places_however_many_are_of_none(tmp_path, name):
    model, others = save_tokens(name, tmp_path / "source")
    mean, std = (torch.tensor(NORMALISATION[n]).reshape(-1, 1, 1) for n in NORMALISATION)
    with torch.inference_mode():
        images = (pixels() / 255 - mean) / std
        expected = model(pixel_values=images, output_hidden_states=True).hidden_states
    directory = prepared(tmp_path / "source", tmp_path / "encoder")
    found = load_encoder(directory, range(len(expected))).features(pixels())
    for layer, states in enumerate(expected):
        side = 8 if (name, layer) == ("swin", 0) else 4
        maps = states[:, others:].reshape(2, side, side, -1).permute(0, 3, 1, 2)
        assert torch.allclose(found[layer], maps, atol=1e-4)


def test_tokens_that_pass_for_places_are_refused(tmp_path):
    """Nine patches, seven registers and one of the class: 17, of which 16 are a square."""
    sizes = TOKENS | {"image_size": 24}
    config = Dinov2WithRegistersConfig(**sizes, num_register_tokens=7)
    Dinov2WithRegistersModel(config).save_pretrained(tmp_path / "source")
    declare(tmp_path / "source")
    with refusing("layer 0 do not lie at the places of the image that they describe"):
        prepared(tmp_path / "source", tmp_path / "encoder")


def test_features_that_depend_on_chance_are_refused(tmp_path):
    """A masked autoencoder leaves out patches at random, in use as in training."""
    ViTMAEModel(ViTMAEConfig(**TOKENS)).save_pretrained(tmp_path / "source")
    declare(tmp_path / "source")
    with refusing("layer 0 has other features each time it sees an image"):
        prepared(tmp_path / "source", tmp_path / "encoder")


@pytest.mark.parametrize(
    "arrange",
    [
        lambda maps: maps.transpose(2, 3),
        lambda maps: maps.flip(3),
        lambda maps: maps.roll(1, 2),
        lambda maps: maps.permute(0, 2, 3, 1)[..., : maps.shape[2]],
    ],
    ids=["transposed", "mirrored", "shifted", "channels last"],
)
def test_maps_that_are_arranged_otherwise_are_refused(tmp_path, arrange):
    save("convnext", tmp_path / "source")
    network = load_encoder(prepared(tmp_path / "source", tmp_path / "encoder"), [0]).network
    check_encoder(network, 64, [0, 1, 2, 3])

    def arranged(images, layers):
        return {number: arrange(maps) for number, maps in network(images, layers).items()}

    with pytest.raises(ValueError, match="do not lie at the places|no square maps"):
        check_encoder(arranged, 64, [0, 1, 2, 3])


DECLARED = {
    "scalars": ({"image_mean": 0.5, "image_std": 0.25}, lambda x: (x / 255 - 0.5) / 0.25),
    "not normalised": ({"do_normalize": False}, lambda x: x / 255),
    "from -1 to 1": (
        {"rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": 1.0},
        lambda x: x / 127.5 - 1,
    ),
    "not rescaled": (
        {"do_rescale": False, "image_mean": 120.0, "image_std": 50.0},
        lambda x: (x - 120) / 50,
    ),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_a_model_declares_of_its_input_is_done(tmp_path, name):
    declared, expected = DECLARED[name]
    save("resnet", tmp_path)
    declare(tmp_path, **declared)
    assert torch.allclose(read_preprocessing(tmp_path)(pixels()), expected(pixels()), atol=1e-5)


def test_channels_are_flipped_for_models_that_read_blue_first(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mobilevit"}))
    flipped = pixels().flip(1) / 255
    for declared in ({}, {"do_flip_channel_order": True}):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(declared))
        assert torch.allclose(read_preprocessing(tmp_path)(pixels()), flipped)
    (tmp_path / "preprocessor_config.json").write_text('{"do_flip_channel_order": false}')
    assert torch.allclose(read_preprocessing(tmp_path)(pixels()), pixels() / 255)


@pytest.mark.parametrize(
    ("model_type", "declared", "named"),
    [
        ("efficientnet", {"rescale_offset": True}, "EfficientNetImageProcessor"),
        ("resnet", {"do_flip_channel_order": True}, "do_flip_channel_order = True"),
    ],
)
def test_a_processor_that_does_something_else_is_refused_by_name(
    tmp_path, model_type, declared, named
):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    declare(tmp_path, **declared)
    with pytest.raises(ValueError, match=f"{named}.*") as refused:
        read_preprocessing(tmp_path)
    assert "makes another input of images" in str(refused.value)


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        ({"do_bgr": True}, "do_bgr = True is not known here"),
        ({"image_processor_type": "Mine"}, "no image_processor_type = Mine to compare with"),
    ],
)
def test_a_processor_that_the_library_does_not_know_is_refused_by_name(tmp_path, declared, named):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nobodys"}))
    declare(tmp_path, **declared)
    with pytest.raises(ValueError, match=named):
        read_preprocessing(tmp_path)


def test_a_processor_that_holds_an_image_processor_is_read(tmp_path):
    save("clip", tmp_path / "source")
    reference = load_encoder(prepared(tmp_path / "source", tmp_path / "one"), [2])
    (tmp_path / "source/preprocessor_config.json").unlink()
    inner = {"image_processor_type": "CLIPImageProcessor", **NORMALISATION}
    content = {"image_processor": inner, "processor_class": "CLIPProcessor"}
    (tmp_path / "source/processor_config.json").write_text(json.dumps(content))
    found = load_encoder(prepared(tmp_path / "source", tmp_path / "other"), [2])
    assert torch.equal(found.features(pixels())[2], reference.features(pixels())[2])


@pytest.mark.parametrize("name", ["preprocessor_config.json", "config.json"])
def test_an_encoder_whose_files_were_edited_is_refused(tmp_path, name):
    save("resnet", tmp_path / "source")
    directory = prepared(tmp_path / "source", tmp_path / "encoder")
    edit(tmp_path / "source" / name, more=1)
    with refusing(f"not those that encoder.json names, {name} is another", "delete it"):
        load_encoder(directory, [0])


def test_limits_are_told_when_the_encoder_is_made_ready(tmp_path):
    save("clip", tmp_path / "source")
    settings = DirectoryModel(kind="directory", path=str(tmp_path / "source"))
    with refusing("domains.image.encoder.layers", "layers 0 to 2, not 9"):
        prepare_encoder(settings, None, tmp_path / "encoder", 32, [0, 9])
    with refusing("64", "correct domains.image.encoder.size"):
        prepare_encoder(settings, None, tmp_path / "encoder", 64, [0, 2])
    assert not (tmp_path / "encoder").exists()
    prepare_encoder(settings, None, tmp_path / "encoder", 32, [0, 2])
