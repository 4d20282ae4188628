"""Probes of networks whose knowledge is known: exact, perfectly hierarchical, trained."""

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.artifacts.tensors import read_tensors, write_tensors
from pipeline.networks.restore import restore_network
from pipeline.rhm import model, probe
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import load_grammar
from pipeline.rhm.settings import Probe
from tests.unit import training_case
from tests.unit.conftest import language
from tests.unit.training_case import train_spec

REPLICAS = [[0, 0, 0], [1, 0, 0]]
CPU = torch.device("cpu")


class Hierarchy:
    """Stands for a network: its blocks hold the symbols of the nodes, and tokens are guessed."""

    def __init__(self, grammars, denoiser):
        self.grammars, self.denoiser = grammars, denoiser

    def __call__(self, xt, t):
        return self.denoiser(xt, t)

    def activations(self, xt, _t):
        parsed = [parse(g, x.numpy()) for g, x in zip(self.grammars, xt, strict=True)]
        for level in (1, 2):
            symbols = np.stack([found.symbols[level] for found in parsed])
            yield f"down{level}", torch.from_numpy(np.eye(5)[symbols])


RECIPES = {
    "uniform": ({}, "cross_entropy"),
    "absorbing": ({"process": "absorbing"}, "cross_entropy"),
    "cavities": ({"mixture": "d3pm"}, "step_divergence"),
}
"""What of the noise is other than usual, and the loss."""
WITH_CROSS_ENTROPY = pytest.mark.parametrize("trained", ["uniform", "absorbing"], indirect=True)


@pytest.fixture(params=RECIPES)
def trained(request):
    """Settings of the `train` stage."""
    changes, loss = RECIPES[request.param]
    return train_spec(REPLICAS, noise=changes, loss=loss).settings


@pytest.fixture
def examination(trained, tmp_path):
    training_case.prepare(tmp_path, REPLICAS)
    sources = [tmp_path / f"grammar_g{seed}.safetensors" for seed, _, _ in REPLICAS]
    grammars = [load_grammar(path)[0] for path in sources]
    strings = [language(4, 2, 2, 2, seed).strings for seed, _, _ in REPLICAS]
    test = np.stack([np.tile(found, (40, 1)) for found in strings]).astype(np.uint8)
    test = test[:, np.random.default_rng(0).permutation(test.shape[1])]
    return probe.Examination(Probe(strings=300), trained, sources, {"test": test}, CPU), grammars


def table(examination, network):
    with torch.inference_mode():
        found = examination(network)
    rows = [{"replica": r, **vars(row)} for r, part in enumerate(found) for row in part]
    return pd.DataFrame(rows).set_index("quantity")


def test_the_exact_denoiser_has_no_excess_and_the_divergence_of_the_floor(examination):
    examination, grammars = examination
    rows = table(examination, Hierarchy(grammars, examination._oracle))
    assert np.allclose(rows.loc["excess_loss", "estimate"], 0, atol=1e-12)
    divergence, floor = rows.loc["latent_divergence"], rows.loc["latent_divergence_floor"]
    assert np.allclose(divergence["estimate"], floor["estimate"], atol=1e-12)
    assert np.allclose(floor["estimate"][floor["level"] == 0], 0, atol=1e-12)
    assert (floor["estimate"] >= -1e-12).all()


@WITH_CROSS_ENTROPY
def test_excess_cross_entropy_is_the_divergence_of_the_tokens(examination, trained):
    """E[ln p(x_0 | x_t) - ln q(x_0 | x_t)] = E[KL(p || q)], token by token."""
    examination, grammars = examination
    blunted = Hierarchy(grammars, lambda xt, t: (examination._oracle(xt, t).exp() + 0.05).log())
    rows = table(examination, blunted)
    excess = rows.loc["excess_loss"].query("noise_low == 0 and noise_high == 1")
    tokens = rows.loc["latent_divergence"].query("level == 0")
    assert (excess["estimate"] > 3 * excess["standard_error"]).all()
    difference = excess["estimate"].to_numpy() - tokens["estimate"].to_numpy()
    errors = [rows["standard_error"].to_numpy() for rows in (excess, tokens)]
    assert (np.abs(difference) < 4 * np.hypot(*errors)).all()


def test_a_perfect_hierarchy_does_not_see_synonyms_at_or_below_its_level(examination):
    examination, grammars = examination
    rows = table(examination, Hierarchy(grammars, examination._oracle)).loc["synonym_sensitivity"]
    zero = rows["block"].str[-1].astype(int) >= rows["level"]
    assert (rows["estimate"][zero] == 0).all()
    assert (rows["estimate"][~zero] > 0.3).all()


def test_every_block_and_level_has_its_row(examination, trained):
    examination, _ = examination
    rows = table(examination, model.build_network(trained)).loc["synonym_sensitivity"]
    found = rows.groupby("replica").agg({"block": list, "level": list})
    for blocks, levels in found.to_numpy():
        assert blocks == ["down1", "down2", "up2", "up1"] * 2
        assert levels == [1] * 4 + [2] * 4


def test_every_level_known_lowers_the_plateau(examination, trained):
    examination, _ = examination
    rows = table(examination, model.build_network(trained)).loc["plateau_excess_loss"]
    whole = rows[(rows["noise_low"] == 0) & (rows["noise_high"] == 1)]
    for _, part in whole.groupby("replica"):
        nothing, level_1 = part.sort_values("level")["estimate"]
        assert nothing > level_1 > 0


def test_a_trained_network_is_not_below_the_exact_denoiser_on_fresh_strings(tmp_path):
    """It comes close; were it below, its test strings or its noise would have leaked."""
    replicas = REPLICAS[:1]
    spec = train_spec(replicas, steps=2000, batch_size=32)
    training_case.prepare(tmp_path, replicas)
    strings = language(4, 2, 2, 2, seed=0).strings.astype(np.uint8)[None]
    splits = dict.fromkeys(("training", "validation", "test"), strings)
    stamp = {"kind": "dataset", "spec": spec.plain}
    write_tensors(tmp_path / "dataset.safetensors", splits, stamp)
    training_case.run(tmp_path, spec, [20, 2000], state_interval=1e9)
    fresh = np.tile(strings, (1, 200, 1))
    fresh = fresh[:, np.random.default_rng(1).permutation(fresh.shape[1])]
    sources = [tmp_path / "grammar_g0.safetensors"]
    examination = probe.Examination(Probe(strings=32), spec.settings, sources, {"test": fresh}, CPU)
    excess = {}
    for step in (20, 2000):
        path = tmp_path / f"checkpoints/step{step}.safetensors"
        network = restore_network(model, read_tensors(path, "checkpoint"), CPU)
        excess[step] = table(examination, network).loc["excess_loss"]
        assert (excess[step]["estimate"] > -3 * excess[step]["standard_error"]).all()
    first, last = (excess[step]["estimate"].iloc[0] for step in (20, 2000))
    assert last < 0.1 * first
