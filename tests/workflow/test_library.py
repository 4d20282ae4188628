"""What a notebook gets in one line, on a finished run."""

from pathlib import Path

import numpy as np
import pytest
import torch

import pipeline
from pipeline.artifacts.tensors import read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.rhm.oracle import Oracle

CELLS = {
    "rhm": "rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0/{}/step40.safetensors",
    "text": "text/characters28_context16/Ponline/d0n0/{}/step40.safetensors",
    "image": "image/generated_8px/Ponline/d0n0/{}/step20.safetensors",
}
ROOT = Path("results/smoke")


@pytest.fixture(autouse=True)
def run(smoke_run, monkeypatch):
    monkeypatch.chdir(smoke_run.path)


def checkpoint(domain):
    return ROOT / CELLS[domain].format("checkpoints")


def average_of(domain):
    """The first kind of weights that the run has sampled from."""
    stamp = read_tensors(ROOT / CELLS[domain].format("samples"), "samples").stamp
    return stamp["averages"][0]


@pytest.mark.parametrize("domain", CELLS)
def test_samples_are_those_of_the_run(domain):
    network = pipeline.load(checkpoint(domain), average_of(domain))
    kept = read_tensors(ROOT / CELLS[domain].format("samples"), "samples").tensors["tokens"]
    replicas, count = len(network.replicas), 5
    tokens = network.sample(count)
    assert tokens.dtype == kept.dtype
    np.testing.assert_array_equal(tokens, kept[:replicas, :count])
    other = network.sample(count, seed=network.sampling.seed + 1)
    assert (other != tokens).any()
    assert len(network.decode(tokens[0])) == count


@pytest.mark.parametrize("domain", CELLS)
def test_estimates_and_activations_are_of_every_replica_and_string(domain):
    network = pipeline.load(checkpoint(domain))
    x0 = network.sample(3)
    t = 0.5 if domain == "text" else network.noise.levels // 2
    xt = network.corrupt(x0, t, seed=1)
    assert (xt == network.corrupt(x0, [t] * 3, seed=1)).all()
    assert (xt != network.corrupt(x0, t, seed=2)).any()
    found = network.denoise(xt, t)
    assert found.shape[:3] == x0.shape
    if domain != "image":
        np.testing.assert_allclose(found.sum(axis=-1), 1)
    np.testing.assert_allclose(found[:, 1:], network.denoise(xt[:, 1:], t), atol=1e-3)
    hidden = network.hidden(xt, t)
    assert len(hidden) >= 1
    assert all(values.shape[:2] == x0.shape[:2] for values in hidden.values())


def test_estimates_of_the_exact_denoiser_are_its_beliefs():
    network = pipeline.load(checkpoint("rhm"))
    xt = network.corrupt(network.sample(4), 500)
    oracle = Oracle(network.grammars, network.noise)
    network.module = oracle
    strings, levels = network._inputs(xt, 500, network.noise.symbols)
    exact = oracle.beliefs(strings, levels).marginals[0]
    np.testing.assert_allclose(network.denoise(xt, 500), exact, atol=1e-6)


def test_images_without_noise_are_estimated_as_they_are():
    network = pipeline.load(checkpoint("image"))
    x0 = network.sample(2)
    nearly = network.denoise(network.corrupt(x0, 1), 1)
    assert np.abs(nearly - x0).mean() < 8
    assert network.decode(x0[0]).shape == (2, 8, 8, 3)


@pytest.mark.parametrize("domain", CELLS)
def test_an_exported_network_is_the_same_elsewhere(domain, tmp_path, monkeypatch):
    expected = pipeline.load(checkpoint(domain)).sample(4)
    home = tmp_path / "network"
    pipeline.export(checkpoint(domain), home)
    with pytest.raises(PipelineError, match="is there already"):
        pipeline.export(checkpoint(domain), home)
    monkeypatch.chdir(tmp_path)
    network = pipeline.load("network")
    np.testing.assert_array_equal(network.sample(4), expected)
    assert network.decode(expected[0]) is not None
    card = (home / "README.md").read_text()
    assert f"step {network.step}" in card
    assert {path.name for path in network.sources} < {path.name for path in home.iterdir()}


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "network.safetensors").write_text("a text")
    for path, reason in {
        ROOT / CELLS["rhm"].format("samples"): "is not a checkpoint of this pipeline but samples",
        ROOT / "tables/rhm_losses.parquet": "is not a checkpoint of this pipeline but losses",
        ROOT / "config.json": "is not a checkpoint of this pipeline but another file",
        ROOT: r"results/smoke/network\.safetensors is not there",
        ROOT / "step1.safetensors": r"results/smoke/step1\.safetensors is not there",
    }.items():
        with pytest.raises(PipelineError, match=reason) as refused:
            pipeline.load(path)
        assert "choose a path of pipeline.checkpoints(run, domain)" in str(refused.value)
        assert "rebuild" not in str(refused.value)
    with pytest.raises(PipelineError, match="cannot be read as a checkpoint"):
        pipeline.load(tmp_path)


@pytest.mark.parametrize("domain", CELLS)
def test_only_tokens_of_one_replica_are_decoded(domain):
    network = pipeline.load(checkpoint(domain))
    tokens = network.sample(2)
    for wrong in (tokens, tokens[0, 0], tokens[0, :, 1:]):
        with pytest.raises(
            PipelineError, match=r"decode takes those of one replica, \[N, \d+\]; of"
        ):
            network.decode(wrong)


def test_a_network_says_what_it_is():
    said = repr(pipeline.load(checkpoint("rhm")))
    weights = read_tensors(checkpoint("rhm"), "checkpoint").tensors
    count = sum(x.size for name, x in weights.items() if not name.startswith("average"))
    assert said == (
        f"<rhm network at step 40: NormedUNet1d, {count:,} weights in 2 replicas; "
        "v=4 m=2 s=2 L=2, dataset_size=8, replicas=g0d0n0+g1d0n0>"
    )
    assert "image network at step 20: UNet2d" in repr(pipeline.load(checkpoint("image")))


def test_runs_and_their_tables_are_found():
    found = pipeline.runs()
    assert list(found["run"]) == ["smoke"] * 3
    assert found.set_index("domain").loc["rhm", "dataset_sizes"] == ["4", "8", "16", "online"]
    rows = pipeline.table("smoke", "rhm_measurements")
    assert "node_accuracy" in set(rows["quantity"])
    with pytest.raises(PipelineError, match=r"rhm_measurement\.parquet is not there; choose one"):
        pipeline.table("smoke", "rhm_measurement")
    with pytest.raises(PipelineError, match="choose one of another run"):
        pipeline.table("other", "rhm_measurements")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        pipeline.nothing  # noqa: B018


def test_checkpoints_are_in_the_order_of_the_config_and_of_steps():
    found = pipeline.checkpoints("smoke", "rhm")
    sizes = [size for size in ("4", "8", "16", "online") for _ in range(3)]
    assert found["dataset_size"].tolist() == sizes
    assert found["step"].tolist() == 4 * [10, 20, 40]
    assert found["path"].iloc[5] == checkpoint("rhm")
    assert pipeline.checkpoints("smoke", "image")["step"].tolist() == [5, 10, 20]
    assert all(path.is_file() for path in found["path"])
    losses = pipeline.table("smoke", "rhm_losses").query(
        "noise_low == 0 and noise_high == 1 and split == 'validation'"
    )
    means = losses.groupby(["dataset_size", "step"])["loss"].mean()
    known = found.set_index(["dataset_size", "step"])
    np.testing.assert_allclose(known["validation_loss"], means.loc[known.index])
    for size, part in known.groupby("dataset_size"):
        best = part.index[part["best_checkpoint"]].tolist()
        assert best == [means[[size]].idxmin()]
    with pytest.raises(PipelineError, match="sound has no checkpoints; choose a domain"):
        pipeline.checkpoints("smoke", "sound")
    with pytest.raises(PipelineError, match="start the run first"):
        pipeline.checkpoints("other", "rhm")


def test_a_network_that_fails_leaves_gradients_on(monkeypatch):
    network = pipeline.load(checkpoint("rhm"))
    x0 = network.sample(2)
    monkeypatch.setattr(network, "module", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:  # whose traceback keeps frames alive
        network.denoise(x0, 1)
    assert caught.value.__traceback__ is not None
    assert not torch.is_inference_mode_enabled()


def test_an_average_or_domain_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PipelineError, match=r"has no average of weights of decay 0\.5; choose one"):
        pipeline.load(checkpoint("rhm"), average=0.5)
    artifact = read_tensors(checkpoint("rhm"), "checkpoint")
    stamp = artifact.stamp | {"spec": artifact.stamp["spec"] | {"domain": "run"}}
    write_tensors(tmp_path / "step1.safetensors", artifact.tensors, stamp)
    with pytest.raises(PipelineError, match="is of domain 'run', which this code has not"):
        pipeline.load(tmp_path / "step1.safetensors")


@pytest.mark.parametrize("domain", CELLS)
@pytest.mark.parametrize("outside", [-1, 1001])
def test_a_level_that_the_noise_has_not_is_refused(domain, outside):
    network = pipeline.load(checkpoint(domain))
    with pytest.raises(PipelineError, match=f"between 0 and {network.noise.levels}"):
        network.denoise(network.sample(1), outside)


@pytest.mark.parametrize("outside", [-1, 5])
def test_a_token_that_the_noise_has_not_is_refused(outside):
    """Of grammars, whose x_t have as many symbols as their x_0: four."""
    network = pipeline.load(checkpoint("rhm"))
    tokens = network.sample(1).astype(int)
    tokens[..., 0] = outside
    for use in (network.corrupt, network.denoise, network.hidden):
        with pytest.raises(PipelineError, match="tokens of this noise are between 0 and 3"):
            use(tokens, 1)
