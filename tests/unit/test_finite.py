"""What is not finite is never published, sampled or probed, in all three domains."""

import numpy as np
import pytest
import torch

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.image import model as image_model
from pipeline.image import sampler as image_sampler
from pipeline.measurement.probe import probe
from pipeline.networks.averages import averaged_weights
from pipeline.networks.finite import first_not_finite
from pipeline.rhm import model as rhm_model
from pipeline.rhm import probe as rhm_probe
from pipeline.rhm import sampler as rhm_sampler
from pipeline.sampling.generate import sample
from pipeline.text import model as text_model
from pipeline.text import probe as text_probe
from pipeline.text import sampler as text_sampler
from pipeline.training.train import train
from tests.unit import image_training_case, text_training_case, training_case
from tests.unit.settings_case import spec_of

REPLICAS = [[0, 0, 0], [1, 0, 0]]
STEP = 1


@pytest.fixture(params=["rhm", "text", "image"])
def domain(request):
    return request.param


def recipe(domain: str, **training: object) -> tuple:
    """Module that prepares the data, the domain's `model`, and settings of `train`."""
    if domain == "rhm":
        settings = training_case.train_spec(REPLICAS).settings.plain()
        case, model = training_case, rhm_model
    else:
        case = {"text": text_training_case, "image": image_training_case}[domain]
        model = {"text": text_model, "image": image_model}[domain]
        settings = case.TRAIN
    changed = {k: v for k, v in training.items() if k in settings["training"]}
    return case, model, settings | {"training": settings["training"] | changed}


def train_once(directory, domain, **training):
    """One step of training, its last."""
    case, model, settings = recipe(domain, **training)
    case.prepare(directory, *([REPLICAS] if domain == "rhm" else []))
    spec = spec_of("train", domain, settings)
    checkpoint = directory / f"checkpoints/step{STEP}.safetensors"
    dataset, losses = directory / "dataset.safetensors", directory / "losses.parquet"
    sources = [directory / "corpus.safetensors"] if domain == "text" else []
    train(spec, model, sources, dataset, [checkpoint], losses, True)
    return checkpoint


@pytest.mark.parametrize(
    ("domain", "rate"),
    [("rhm", 1e20), ("rhm", 1e39), ("text", 1e39), ("image", 1e20), ("image", 1e39)],
    indirect=["domain"],
)
def test_a_divergence_at_the_last_step_is_told_and_nothing_published(tmp_path, domain, rate):
    with pytest.raises(PipelineError, match=r"training: .* not finite after step 1; lower"):
        train_once(tmp_path, domain, learning_rate=rate, warmup_steps=0, gradient_clip=None)
    assert not (tmp_path / "losses.parquet").exists()
    assert not (tmp_path / "checkpoints").exists()
    assert not list(tmp_path.glob(".work/*/**/s*.safetensors"))


def test_the_replicas_that_diverged_are_named(tmp_path, monkeypatch):
    from pipeline.training import train as stage

    def evaluate(network, noise, loss, tokens, keys):
        rows = original(network, noise, loss, tokens, keys)
        rows[-1] = rows[-1].__class__(**vars(rows[-1]) | {"loss": float("inf")})
        return rows

    original = stage.evaluate
    monkeypatch.setattr(stage, "evaluate", evaluate)
    with pytest.raises(PipelineError, match=r"loss of replicas \[1\] is not finite after step 1"):
        train_once(tmp_path, "rhm")


def test_averages_count_as_weights(tmp_path, monkeypatch):
    from pipeline.networks.averages import Averages

    def update(self, _network, _step):
        self.tensors["average0.9/head.weight"][0, 0] = torch.inf

    monkeypatch.setattr(Averages, "update", update)
    with pytest.raises(PipelineError, match=r"training: average0.9/head.weight is not finite"):
        train_once(tmp_path, "text")
    assert not (tmp_path / "checkpoints").exists()


def spoil(checkpoint, change):
    """Write the checkpoint anew, with weights that `change` made of the old ones."""
    artifact = read_tensors(checkpoint, "checkpoint")
    tensors = {name: change(name, array.copy()) for name, array in artifact.tensors.items()}
    write_tensors(checkpoint, tensors, artifact.stamp)


def with_nan(_name, array):
    array.reshape(-1)[-1] = np.nan
    return array


def with_average_of_nan(name, array):
    return with_nan(name, array) if name.startswith("average") else array


def overflowing(_name, array):
    """Finite weights whose products are not."""
    return np.full_like(array, 1e30)


CELLS = {
    "rhm": r"v=4 m=2 s=2 L=2, dataset_size=12, replicas=g0d0n0\+g1d0n0 at step 1 ",
    "text": r"setting=characters5_context12, dataset_size=online, .* at step 1 ",
    "image": r"setting=greys_4px, dataset_size=online, .* at step 1 ",
}


def draw(directory, domain, checkpoint, average=None):
    sampler = {"rhm": rhm_sampler, "text": text_sampler, "image": image_sampler}[domain]
    settings = {"samples": 128, "averages": [average], "seed": 1, "steps": 4}
    settings |= {"spacing": "even"} if domain == "rhm" else {}
    spec = spec_of("sample", domain, settings, samples=4)
    output = directory / "samples/step1.safetensors"
    sample(spec, recipe(domain)[1], sampler, [checkpoint], [output])
    return output


@pytest.mark.parametrize(
    ("change", "reason"), [(with_nan, "has weights"), (overflowing, "outputs are not finite")]
)
def test_sampling_refuses_a_network_that_gives_no_numbers(tmp_path, domain, change, reason):
    checkpoint = train_once(tmp_path, domain)
    spoil(checkpoint, change)
    with pytest.raises(PipelineError, match=CELLS[domain]) as refused:
        draw(tmp_path, domain, checkpoint)
    assert f"{refused.value}".startswith(f"{checkpoint} ")
    assert reason in f"{refused.value}"
    assert not (tmp_path / "samples/step1.safetensors").exists()


def test_only_the_weights_that_are_sampled_have_to_be_finite(tmp_path):
    checkpoint = train_once(tmp_path, "text")
    spoil(checkpoint, with_average_of_nan)
    draw(tmp_path, "text", checkpoint)
    with pytest.raises(PipelineError, match="has weights"):
        draw(tmp_path, "text", checkpoint, average=0.9)


@pytest.mark.parametrize("domain", ["rhm", "text"])
@pytest.mark.parametrize("change", [with_nan, overflowing])
def test_probing_refuses_a_network_that_gives_no_numbers(tmp_path, domain, change):
    checkpoint = train_once(tmp_path, domain)
    spoil(checkpoint, change)
    probes = {"rhm": rhm_probe, "text": text_probe}[domain]
    names = ["grammar_g0", "grammar_g1"] if domain == "rhm" else ["corpus"]
    sources = [tmp_path / f"{name}.safetensors" for name in names]
    settings = {"strings": 4} if domain == "rhm" else {"windows": [2], "blocks": 4}
    spec = spec_of("probe", domain, settings)
    dataset, output = tmp_path / "dataset.safetensors", tmp_path / "probes.parquet"
    with pytest.raises(PipelineError, match=CELLS[domain]):
        probe(spec, recipe(domain)[1], probes, sources, dataset, [checkpoint], output)
    assert not output.exists()


def test_what_is_published_is_finite(tmp_path, domain):
    checkpoint = train_once(tmp_path, domain)
    weights = read_tensors(checkpoint, "checkpoint").tensors
    assert first_not_finite(averaged_weights(weights, None)) is None
    assert np.isfinite(tables.read_table(tmp_path / "losses.parquet", "losses")["loss"]).all()
