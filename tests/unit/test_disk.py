"""The disk that is reckoned before a run, against artifacts of the smoke preset as made here."""

import re

import numpy as np
import pytest

from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.labels import Cell
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES
from pipeline.datasets.build import make_dataset
from pipeline.rhm.grammar.rules import make_grammar
from pipeline.run.disk import checkpoint_bytes, dataset_bytes, describe_disk, sample_bytes
from pipeline.sampling.generate import sample
from pipeline.stages.parts import load_part
from tests.unit.settings_case import BARE, spec_of
from tests.unit.text_training_case import write_corpus
from tests.workflow.checkout import ROOT

REPLICAS = {"rhm": "g0d0n0+g1d0n0", "text": "d0n0", "image": "d0n0"}


@pytest.fixture(params=["rhm", "text", "image"])
def domain(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return request.param


@pytest.fixture
def config():
    few = {"domains": {"image": {"sampling": {"steps": 2}}}}
    return load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {"preset": "smoke", **few})


def cell_of(config, domain):
    return Cell(config.domain(domain).settings[0].label, "8", REPLICAS[domain])


def size_of(path, kind):
    return sum(tensor.nbytes for tensor in read_tensors(path, kind).tensors.values())


def write_sources(directory, domain, config):
    """Sources of a domain, as the stage `dataset` reads them."""
    if domain == "rhm":
        paths = [directory / f"grammar_g{seed}.safetensors" for seed in (0, 1)]
        for seed, path in enumerate(paths):
            settings = {"v": 4, "m": 2, "s": 2, "L": 2, "seed": seed}
            make_grammar(spec_of("grammar", "rhm", settings), path)
        return paths
    if domain == "text":
        write_corpus(directory / "corpus.safetensors", validation=100)
        return [directory / "corpus.safetensors"]
    images = np.zeros((100, 3 * config.domains.image.data.size**2), np.uint8)
    tensors = {"training": images, "validation": images}
    write_tensors(directory / "images.safetensors", tensors, make_stamp("images", BARE, {}))
    return [directory / "images.safetensors"]


def settings_of(stage, domain, config, cell):
    return SLICES[domain][stage](config.domain(domain), cell).plain()


def test_datasets_take_what_is_reckoned(domain, config, tmp_path):
    cell, output = cell_of(config, domain), tmp_path / "dataset.safetensors"
    spec = spec_of("dataset", domain, settings_of("dataset", domain, config, cell))
    sources = write_sources(tmp_path, domain, config)
    make_dataset(spec, load_part(domain, "data"), sources, output)
    found, reckoned = size_of(output, "dataset"), dataset_bytes(config, domain, cell)
    # Numbers of few rows take one byte and not four.
    assert found == (reckoned if domain == "rhm" else reckoned / 4)


def test_checkpoints_and_samples_take_what_is_reckoned(domain, config, tmp_path):
    cell, model = cell_of(config, domain), load_part(domain, "model")
    trained = spec_of("train", domain, settings_of("train", domain, config, cell))
    network = model.build_network(trained.settings)
    tensors = {name: weight.detach().numpy() for name, weight in network.named_parameters()}
    averages = {
        f"average{decay:g}/{name}": tensor
        for decay in trained.settings.training.average_decays
        for name, tensor in tensors.items()
    }
    checkpoint, output = tmp_path / "step1.safetensors", tmp_path / "samples/step1.safetensors"
    stamp = make_stamp("checkpoint", trained, {}) | {"step": 1}
    write_tensors(checkpoint, tensors | averages, stamp)
    assert size_of(checkpoint, "checkpoint") == checkpoint_bytes(config, domain, cell)
    spec = spec_of("sample", domain, settings_of("sample", domain, config, cell))
    sample(spec, model, load_part(domain, "sampler"), [checkpoint], [output])
    assert size_of(output, "samples") == sample_bytes(config, domain, cell)


def test_what_is_made_of_other_files_is_known_once_they_are_there(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = cell_of(config, "image")
    home = tmp_path / "results" / config.run / "image" / cell.setting
    (line,) = describe_disk(config, {"image": [cell]}, 1)
    assert line.count("not known before they are made") == 2
    (home / "control_features").mkdir(parents=True)
    write_sources(home, "image", config)
    count = config.domains.image.measurement.reference_images
    features = np.zeros(1000 * count, np.float32)
    reference = home / "control_features/reference.safetensors"
    write_tensors(reference, {"layer0": features}, make_stamp("features", BARE, {}))
    (line,) = describe_disk(config, {"image": [cell]}, 1)
    told = {name: float(size) for name, size in re.findall(r"(\w+) ([\d.e+-]+) GB", line)}
    assert told["images"] == pytest.approx((home / "images.safetensors").stat().st_size / 1e9, 0.01)
    image, sampling = config.domains.image, config.domains.image.sampling
    samples = len(image.training.checkpoints) * len(sampling.averages) * sampling.samples
    assert told["features"] == pytest.approx(4000 * samples / 1e9, rel=0.01)
