"""The loss of masked windows against enumeration of all texts."""

from itertools import product

import numpy as np
import pytest
import torch

from pipeline.artifacts import tables
from pipeline.measurement.probe import probe as run_probe
from pipeline.text import model, probe
from pipeline.text.settings import Probe
from tests.unit import text_training_case as case
from tests.unit.settings_case import settings_of, spec_of

CPU = torch.device("cpu")
SYMBOLS, LENGTH = 3, 4
TRAINED = settings_of("train", "text", {**case.TRAIN, "symbols": SYMBOLS, "context": LENGTH})


@pytest.fixture(scope="module")
def chain():
    """Every text of a Markov chain with its probability."""
    random = np.random.default_rng(0)
    start, step = random.dirichlet([0.5] * SYMBOLS), random.dirichlet([0.5] * SYMBOLS, SYMBOLS)
    texts = np.array(list(product(range(SYMBOLS), repeat=LENGTH)))
    chances = start[texts[:, 0]] * step[texts[:, :-1], texts[:, 1:]].prod(axis=1)
    return texts, chances


def exact(texts, chances):
    """Denoiser: log p(token | tokens that are shown), by enumeration."""

    def denoiser(tokens, _t, positions):
        shown = tokens[0, :, None] == torch.from_numpy(texts)
        masked = (tokens[0] == SYMBOLS)[:, None]
        weights = (shown | masked).all(dim=2) * torch.from_numpy(chances)
        weights = weights / weights.sum(dim=1, keepdim=True)
        marginals = torch.einsum("nt,tda->nda", weights, torch.eye(SYMBOLS).double()[texts])
        return marginals.log().take_along_dim(positions[0, :, :, None], dim=1)[None]

    return denoiser


def surprise(texts, chances, window):
    """Mean of -log p(window | other tokens) / n over texts and places of the window."""
    total = []
    for first in range(LENGTH - window + 1):
        others = np.delete(texts, range(first, first + window), axis=1)
        _, group = np.unique(others, axis=0, return_inverse=True)
        given = chances / np.bincount(group, chances)[group]
        total.append(-(chances * np.log(given)).sum() / window)
    return np.mean(total)


@pytest.mark.parametrize("window", [1, 2, 4])
def test_the_loss_of_the_exact_denoiser_is_the_surprise_of_the_window(chain, window):
    texts, chances = chain
    drawn = np.random.default_rng(1).choice(len(texts), 40_000, p=chances)
    settings = Probe(windows=[window], blocks=40_000)
    data = {"validation": texts[drawn][None]}
    examination = probe.Examination(settings, TRAINED, [], data, CPU)
    losses = examination.losses(exact(*chain), window)
    error = losses.std() / np.sqrt(len(losses))
    assert losses.mean() == pytest.approx(surprise(*chain, window), abs=4 * error)


def test_the_network_is_told_the_part_that_is_masked(chain):
    levels = []

    def denoiser(tokens, t, positions):
        levels.append((t[0], (tokens[0] == SYMBOLS).sum(dim=1) / LENGTH))
        return torch.zeros(1, *positions.shape[1:], SYMBOLS)

    data = {"validation": chain[0][None]}
    settings = Probe(windows=[4], blocks=81)
    probe.Examination(settings, TRAINED, [], data, CPU).losses(denoiser, 4)
    for t, masked in levels:
        kept = model.build_noise(TRAINED).kept(t)
        torch.testing.assert_close(1 - kept, masked.double(), rtol=0, atol=2e-4)


def test_every_checkpoint_and_window_has_its_row(tmp_path):
    case.prepare(tmp_path)
    case.run(tmp_path)
    spec = spec_of("probe", "text", {"windows": [1, 4], "blocks": 8})
    checkpoints = [tmp_path / f"checkpoints/step{step}.safetensors" for step in case.STEPS]
    sources, output = [tmp_path / "corpus.safetensors"], tmp_path / "probes.parquet"
    dataset = tmp_path / "dataset.safetensors"
    run_probe(spec, model, probe, sources, dataset, checkpoints, output)
    table = tables.read_table(output, "probes")
    assert table[["step", "window"]].to_numpy().tolist() == [
        [step, window] for step in case.STEPS for window in (1, 4)
    ]
    assert (table["quantity"] == "window_loss").all()
    assert table["estimate"].between(0, 3).all()
    assert (table["count"] == 8).all()
