"""The transformer of MD4: its parameters, its start, its positions, and what it sees."""

import math
import re

import numpy as np
import pytest
import torch

from pipeline.base.labels import Cell
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES
from pipeline.networks.restore import without_weights
from pipeline.networks.transformer import Transformer
from pipeline.noise.absorbing import ContinuousAbsorbingNoise
from pipeline.text import model
from tests.workflow.checkout import ROOT

SHAPE = {"layers": 2, "heads": 2, "width": 16, "rotary_base": 100.0}


STARTS = ["md4", "open_gates"]


def network(seed=0, initialisation="open_gates", **shape):
    return Transformer(seed, 6, 5, initialisation=initialisation, **SHAPE | shape)


def trained(**shape):
    """A network with some weights everywhere, as after training."""
    net, generator = network(**shape), torch.Generator().manual_seed(1)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.15, generator=generator)
    return net


def tokens(count=3, length=8):
    return torch.randint(0, 6, (1, count, length), generator=torch.Generator().manual_seed(2))


TIMES = torch.tensor([[0.1, 0.5, 0.9]], dtype=torch.float64)


@pytest.mark.parametrize("initialisation", STARTS)
def test_it_starts_from_the_uniform_distribution(initialisation):
    """The loss at the start is ln V per masked token, times its weight."""
    noise, x0 = ContinuousAbsorbingNoise(5), tokens() % 5
    xt = noise.corrupt(x0, TIMES, torch.full((*x0.shape, 2), 0.7).double())
    loss = noise.cross_entropy(network(initialisation=initialisation)(xt, TIMES), x0, xt)
    masked = xt == noise.mask
    assert masked.any()
    assert loss[masked].tolist() == pytest.approx([math.log(5)] * int(masked.sum()))
    assert not loss[~masked].any()


@pytest.mark.parametrize("initialisation", STARTS)
def test_only_readout_modulations_and_biases_start_at_zero(initialisation):
    zero = re.compile(r"head.weight|.*modulation.*|.*bias")
    for name, weight in network(initialisation=initialisation).named_parameters():
        assert bool((weight == 0).all()) == bool(zero.fullmatch(name)), name


@pytest.mark.parametrize(
    ("weight", "deviation"),  # of MD4's code at width 96 and 6 layers: fan-ins of 96, 256 and 64
    [
        ("embedding.weight", 96**-0.5),
        ("time_in.weight", 64**-0.5),
        ("time_out.weight", 256**-0.5),
        ("blocks.3.query_key_value.weight", 96**-0.5),
        ("blocks.3.attention_out.weight", 96**-0.5),
        ("blocks.3.gate_and_value.weight", (2 / 6 / 96) ** 0.5),
        ("blocks.3.mlp_out.weight", (2 / 6 / 256) ** 0.5),
    ],
)
def test_weights_start_at_the_scales_of_md4(weight, deviation):
    """Products are cut at two standard deviations of the law before the cut, as in flax."""
    net = Transformer(0, 1001, 1000, 6, 3, 96, 100.0, "md4")
    found = net.get_parameter(weight).detach()
    assert float(found.std()) == pytest.approx(deviation, rel=0.02)
    if weight != "embedding.weight":
        assert 2.2 * deviation < float(found.abs().max()) <= 2 / 0.8796 * deviation


def affine(layer, x):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def test_the_noise_level_enters_as_in_md4():
    """The modulation of a block, written out in numpy: swish within, a sigmoid before it."""
    net, t = trained(), 0.3
    angles = 1000 * t * np.exp(-np.arange(32) * math.log(10_000) / 31)
    embedding = np.concatenate([np.sin(angles), np.cos(angles)])
    hidden = affine(net.time_in, embedding)
    level = affine(net.time_out, hidden / (1 + np.exp(-hidden)))
    expected = affine(net.blocks[1].modulation, 1 / (1 + np.exp(-level)))
    seen = []
    net.blocks[1].modulation.register_forward_hook(lambda *call: seen.append(call[2]))
    net(tokens(1), torch.tensor([[t]]))
    np.testing.assert_allclose(seen[0][0].detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_weights_are_a_function_of_the_seed():
    one, same, other = (dict(network(seed).named_parameters()) for seed in (3, 3, 4))
    for name, weight in one.items():
        assert torch.equal(weight, same[name])
        assert torch.equal(weight, other[name]) == bool((weight == 0).all())


def test_logits_at_some_positions_are_those_of_all():
    net, positions = trained(), torch.tensor([[[0, 7], [3, 2], [5, 5]]])
    whole = net(tokens(), TIMES)
    some = net.logits_at(tokens(), TIMES, positions)
    torch.testing.assert_close(some, whole.take_along_dim(positions.unsqueeze(-1), dim=2))


def test_every_token_and_the_time_matter_to_every_other():
    net = trained()
    before = net(tokens(), TIMES)
    changed = tokens()
    changed[..., -1] = (changed[..., -1] + 1) % 6
    assert ((net(changed, TIMES) - before).abs().amax(dim=-1) > 1e-6).all()
    assert ((net(tokens(), TIMES / 2) - before).abs().amax(dim=-1) > 1e-6).all()


def test_strings_of_a_batch_do_not_see_one_another():
    net = trained()
    whole = net(tokens(), TIMES)
    for row in range(3):
        alone = net(tokens()[:, row : row + 1], TIMES[:, row : row + 1])
        torch.testing.assert_close(alone[:, 0], whole[:, row], rtol=1e-4, atol=1e-5)


def naive_attention(block, h, base):
    """Heads one by one, rotations as complex numbers, softmax written out."""
    heads, width = 2, h.shape[-1] // 2
    query, key, value = (h @ w.T for w in block.query_key_value.weight.chunk(3))
    parts = []
    for head in range(heads):
        mine = slice(head * width, (head + 1) * width)
        turned = []
        for x in (query[:, mine], key[:, mine]):
            frequencies = base ** -(torch.arange(0, width, 2) / width)
            angle = torch.arange(len(h))[:, None] * frequencies
            turn = torch.polar(torch.ones_like(angle), angle)
            turned.append(torch.complex(x[:, : width // 2], x[:, width // 2 :]) * turn)
        scores = (turned[0] @ turned[1].conj().T).real / math.sqrt(width)
        parts.append(torch.softmax(scores, dim=-1) @ value[:, mine])
    return torch.cat(parts, dim=-1) @ block.attention_out.weight.T


def test_attention_is_that_of_the_papers_written_out():
    from pipeline.networks.transformer import _rotation

    block = trained().blocks[0]
    h = torch.randn(7, 16, generator=torch.Generator().manual_seed(5))
    found = block._attend(h[None], _rotation(7, 8, 100.0, h.device))[0]
    torch.testing.assert_close(found, naive_attention(block, h, 100.0), rtol=1e-4, atol=1e-5)


def test_the_papers_model_has_166_million_weights():
    paper = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {}).domains.text
    settings = SLICES["text"]["train"](paper, Cell("gpt2_context1024", "1024", "d0n0"))
    network = without_weights(model, settings)
    assert sum(weight.numel() for weight in network.parameters()) == 165_857_344


@pytest.mark.slow
def test_one_training_step_of_the_papers_model_changes_its_weights():
    paper = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {}).domains.text
    noise = ContinuousAbsorbingNoise(50257)
    net = Transformer(0, noise.input_symbols, noise.symbols, **paper.network.plain())
    # An eighth of its context: its weights are what counts here.
    x0 = torch.randint(0, 50257, (1, 1, 128), generator=torch.Generator().manual_seed(0))
    t = torch.full((1, 1), 0.5, dtype=torch.float64)
    draws = torch.rand(1, 1, 128, 2, generator=torch.Generator().manual_seed(1)).double()
    xt = noise.corrupt(x0, t, draws)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-4, weight_decay=0)
    losses = []
    for _ in range(2):
        loss = noise.variational_bound(net(xt, t), x0, xt, t).mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    masked = float((xt == noise.mask).double().mean())
    assert losses[0] == pytest.approx(math.log(50257) * masked * 2, rel=1e-3)
    assert losses[1] < losses[0]
