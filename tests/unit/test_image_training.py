"""Training the image model, and sampling from its checkpoints."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.artifacts.tensors import read_tensors
from pipeline.config.grid import cells
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES
from pipeline.image import model, sampler
from pipeline.noise.losses import LOSSES
from pipeline.sampling.generate import sample
from tests.unit import image_training_case as case
from tests.unit.settings_case import settings_of, spec_of
from tests.workflow.checkout import ROOT


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("trained")
    case.prepare(directory)
    case.run(directory)
    return directory


def checkpoint(directory, step):
    return directory / f"checkpoints/step{step}.safetensors"


def test_training_lowers_the_loss_below_that_of_predicting_nothing(trained):
    losses = pd.read_parquet(trained / "losses.parquet")
    whole = losses.query("noise_low == 0 and noise_high == 1").set_index(["split", "step"])["loss"]
    for split in ("training", "validation"):
        assert 0.7 < whole[split, 10] < 1.2
        assert whole[split, 80] < 0.35
    bins = losses.query("step == 80 and split == 'validation' and noise_high - noise_low < 0.5")
    assert len(bins) == 10


def test_a_killed_run_resumes_to_bitwise_the_same_weights_and_averages(trained, tmp_path):
    case.prepare(tmp_path)
    command = [sys.executable, "-m", "tests.unit.image_training_case", str(tmp_path), "57"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert not (tmp_path / "losses.parquet").exists()
    case.run(tmp_path)
    for step in case.STEPS:
        one, other = (
            read_tensors(checkpoint(d, step), "checkpoint").tensors for d in (trained, tmp_path)
        )
        assert one.keys() == other.keys()
        assert any(name.startswith("average0.9/") for name in one)
        assert all(np.array_equal(one[name], other[name]) for name in one)


def draw(trained, output, **more):
    settings = {"samples": 150, "averages": [None], "seed": 1, "steps": 10}
    spec = spec_of("sample", "image", settings, **more)
    sample(spec, model, sampler, [checkpoint(trained, case.STEPS[-1])], [output])
    return read_tensors(output, "samples").tensors["tokens"]


def test_samples_are_images_and_do_not_depend_on_how_many_are_drawn_at_a_time(
    trained, tmp_path, monkeypatch
):
    many = draw(trained, tmp_path / "many" / "step80.safetensors")
    assert (many.shape, many.dtype) == ((1, 150, 3 * case.SIZE**2), np.uint8)
    monkeypatch.setattr(sampler, "batch_size", lambda *_: 7)
    few = draw(trained, tmp_path / "few" / "step80.safetensors", samples=40)
    assert np.abs(few.astype(int) - many[:, :40]).max() <= 1
    every = draw(trained, tmp_path / "every" / "step80.safetensors", samples=40, steps=None)
    both = {"averages": [0.9, None]}
    averaged, raw = draw(trained, tmp_path / "both" / "step80.safetensors", samples=40, **both)
    assert not np.array_equal(few, every)
    assert not np.array_equal(few[0], averaged)
    assert np.abs(few[0].astype(int) - raw).max() <= 1


def test_samples_look_like_the_images(trained, tmp_path):
    """Which are each of one grey value: pixels vary more between images than within them."""
    images = draw(trained, tmp_path / "step80.safetensors", samples=128)[0].astype(float)
    assert 0 < images.std(axis=1).mean() < 0.5 * images.mean(axis=1).std()


@pytest.mark.parametrize(
    ("size", "width", "device", "images"),
    [
        (64, 128, "cuda", 256),
        (16, 32, "cpu", 64),
        (512, 128, "cpu", 1),
    ],
)
def test_fewer_images_at_a_time_where_they_are_large(size, width, device, images):
    network = case.TRAIN["network"] | {"width": width}
    settings = settings_of("train", "image", case.TRAIN | {"size": size, "network": network})
    assert sampler.batch_size(settings, torch.device(device)) == images
    assert sampler.string_length(settings) == 3 * size * size


@pytest.mark.slow
def test_one_training_step_of_the_paper_lowers_its_loss():
    paper = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {}).domains.image
    settings = SLICES["image"]["train"](paper, cells(paper, [])[0])
    noise, network = model.build_noise(settings), model.build_network(settings)
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randint(0, 256, (1, 1, 3 * 64 * 64), generator=generator)
    draws = torch.rand(1, 1, 3 * 64 * 64, 2, generator=generator, dtype=torch.float64)
    t = torch.full((1, 1), 2000)
    xt = noise.corrupt(x0, t, draws)
    optimizer, schedule = model.build_optimizer(network, settings)
    assert schedule(0) == schedule(99_999) == 1
    losses = []
    for _ in range(2):
        loss = LOSSES[settings.training.loss](noise, network(xt, t), x0, xt, t).mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[0] == pytest.approx(1, abs=0.05), "noise that is predicted to be zero"
    assert losses[1] < losses[0]
