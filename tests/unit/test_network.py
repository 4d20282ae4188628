"""The U-Nets against PyTorch's convolutions, against themselves alone, and across widths.

`test_released_code.py` has the released network against the released code.
"""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from pipeline.networks.ensemble_linear import EnsembleLinear
from pipeline.networks.normed_unet1d import NormedUNet1d
from pipeline.networks.token_inputs import Contrast, OneHot
from pipeline.networks.unet1d import UNet1d
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from tests.unit.torch_unet import TorchUNet

SHAPES = [(3, 2, 2, 3, True), (5, 4, 3, 2, False), (4, 4, 2, 1, True)]
ARCHITECTURES = {"plain_unet": UNet1d, "normed_unet": NormedUNet1d}


def build(shape, seeds, width=8, architecture="plain_unet"):
    inputs, v, s, depth, cosines = shape
    arguments = (seeds, OneHot(inputs), v, s, depth, width, 50, cosines)
    return ARCHITECTURES[architecture](*arguments)


def tokens_and_levels(shape, replicas, count=6):
    generator = torch.Generator().manual_seed(0)
    length = shape[2] ** shape[3]
    xt = torch.randint(shape[0], (replicas, count, length), generator=generator)
    return xt, torch.randint(1, 51, (replicas, count), generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_replica_equals_a_network_of_pytorch_convolutions(shape):
    network = build(shape, seeds=[5, 6])
    for block in network.conditions.maps:
        torch.nn.init.normal_(block.weight)  # zero at first, which would hide a mistake
    xt, t = tokens_and_levels(shape, 2)
    logits = network(xt, t)
    assert logits.shape == (*xt.shape, shape[1])
    for r in range(2):
        weights = {name: w.detach()[r] for name, w in network.named_parameters()}
        expected = TorchUNet(weights, s=shape[2], levels=50)(xt[r], t[r])
        torch.testing.assert_close(logits[r], expected, atol=1e-5, rtol=1e-4)


def test_bfloat16_rounds_products_and_leaves_weights_and_logits_float32():
    exact, rounded = (
        UNet1d([5], OneHot(4), 4, 2, 2, 64, 50, True, precision)
        for precision in ("tf32", "bfloat16")
    )
    xt, t = tokens_and_levels((4, 4, 2, 2, True), 1, count=500)
    expected, logits = exact(xt, t), rounded(xt, t)
    logits.square().mean().backward()
    assert {w.dtype for w in rounded.parameters()} == {logits.dtype} == {torch.float32}
    assert all(torch.isfinite(w.grad).all() for w in rounded.parameters())
    error = (logits - expected).std() / expected.std()
    assert 1e-4 < error < 2e-2  # bfloat16 has 8 bits of mantissa


def test_without_norms_the_released_network_has_as_many_weights_as_is_known():
    """18 W^2 at s = 2, L = 3, and what is linear in W."""
    network = build((8, 8, 2, 3, False), seeds=[0], width=64, architecture="normed_unet")
    assert sum(w.numel() for w in network.parameters()) == 18 * 64**2 + 64 * (8 + 12 + 16)


def test_blocks_of_the_normed_network_are_normed_with_and_without_cosines():
    for cosines in (False, True):
        shape = (4, 4, 2, 2, cosines)
        network = build(shape, seeds=[5, 6], width=32, architecture="normed_unet")
        xt, t = tokens_and_levels(shape, 2)
        for norm in (*network.down_norm, *network.up_norm):
            torch.nn.init.constant_(norm.bias, 10)  # there, GELU changes nothing
        for _, h in network.activations(xt, t):
            torch.testing.assert_close(h.mean(dim=-1), torch.full(h.shape[:-1], 10.0))
            torch.testing.assert_close(
                h.std(-1, False), torch.ones(h.shape[:-1]), rtol=0, atol=1e-3
            )


def test_cosines_tell_the_normed_network_the_level():
    shape = (4, 4, 2, 2, True)
    network = build(shape, seeds=[5], architecture="normed_unet")
    xt, t = tokens_and_levels(shape, 1)
    torch.testing.assert_close(network(xt, t), network(xt, 51 - t))
    for block in network.conditions.maps:
        torch.nn.init.normal_(block.weight)
    assert (network(xt, t) - network(xt, 51 - t)).abs().max() > 1e-3


def test_contrast_is_the_standardised_belief_under_a_flat_prior():
    inside = alpha_bar("linear_beta", 1000, first=1e-4, last=0.02)
    contrast = Contrast(4, 4, 200, inside)
    xt, t = torch.tensor([[2, 0]]), torch.tensor([80])
    beliefs = UniformNoise(4, inside).likelihood(
        torch.arange(4), xt[..., None], 5 * t[:, None, None]
    )
    mean = np.mean(inside + (1 - inside) / 4)
    spread = np.sqrt(np.mean(inside + (1 - inside) / 16) - mean**2)
    torch.testing.assert_close(contrast(xt, t), ((beliefs - mean) / spread).float())


def test_a_masked_token_has_no_contrast_and_others_are_certain():
    contrast = Contrast(5, 4, 200, alpha_bar("linear_beta", 1000, first=1e-4, last=0.02))
    seen = contrast(torch.tensor([[4, 1]]), torch.tensor([80]))[0]
    assert torch.equal(seen, contrast(torch.tensor([[4, 1]]), torch.tensor([3]))[0])
    assert seen[0].unique().numel() == 1
    assert seen[1].argmax() == 1
    expected = 1 / (seen[1, 1] - seen[1, 0])  # spread, by which a difference of 1 was divided
    torch.testing.assert_close((seen[1, 1] - seen[0, 0]) * expected, torch.tensor(0.75))


def test_weights_are_standard_normal_and_differ_by_seed_and_name():
    layers = [EnsembleLinear([s], n, 60, 60, 1.0) for s, n in [(0, "a"), (1, "a"), (0, "b")]]
    draws = [layer.weight.detach().numpy().ravel() for layer in layers]
    assert min(kstest(draw, "norm").pvalue for draw in draws) > 1e-4
    correlations = np.corrcoef(draws)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 5 / 60  # 5 sigma of 3600 pairs


def train(network, steps, rate):
    """Losses of SGD on eight strings under uniform noise, one curve per replica."""
    generator = torch.Generator().manual_seed(1)
    noise = UniformNoise(4, alpha_bar("linear_alpha_bar", 50))
    strings = torch.randint(4, (8, 4), generator=generator)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    curve = []
    for _ in range(steps):
        x0 = strings[torch.randint(8, (32,), generator=generator)]
        t = torch.randint(1, 51, (32,), generator=generator)
        xt = noise.corrupt(x0, t, torch.rand(32, 4, 2, generator=generator).double())
        replicas = network.readout.weight.shape[0]
        logits = network(xt.expand(replicas, -1, -1), t.expand(replicas, -1))
        losses = noise.cross_entropy(logits, x0.expand(replicas, -1, -1), xt).mean(dim=(1, 2))
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
        curve.append(losses.detach().numpy())
    return np.array(curve)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_replica_trains_as_it_does_alone(architecture):
    shape = (4, 4, 2, 2, True)
    together, alone = (build(shape, s, architecture=architecture) for s in ([7, 8, 9], [8]))
    curves = train(together, 20, 2.0), train(alone, 20, 2.0)
    np.testing.assert_allclose(curves[0][:, 1], curves[1][:, 0], rtol=1e-4)
    for name, weight in alone.named_parameters():
        member = together.get_parameter(name)[1]
        torch.testing.assert_close(member, weight[0], atol=1e-4, rtol=1e-4)


def test_a_learning_rate_in_units_of_the_width_transfers_over_widths():
    def late_loss(width, rate):
        replicas = range(1024 // width)  # narrow networks vary more
        return train(build((4, 4, 2, 2, True), replicas, width), 25, rate)[-10:].mean()

    narrow, middle, wide = (late_loss(width, 1.0 * width) for width in (64, 256, 1024))
    learnt = np.log(4) - wide
    assert learnt > 0.2
    assert abs(narrow - wide) < 0.15 * learnt
    assert abs(middle - wide) < 0.15 * learnt
    assert late_loss(1024, 64.0) - wide > 0.4 * learnt
