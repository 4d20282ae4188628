"""The plain network that training is timed against computes what ours does."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_training import ConvUNet
from benchmarks.training_case import BATCH, Case
from tests.unit.torch_unet import TorchUNet

DEPTH, WIDTH = 3, 8


def with_our_weights(network, levels):
    """The plain network with the weights of replica 0 of ours."""
    weights = {name: w.detach()[0] for name, w in network.named_parameters()}
    convolutions = TorchUNet(weights, s=2, levels=levels)
    plain = ConvUNet(16, 2, DEPTH, WIDTH, levels)
    for i in range(DEPTH):
        plain.down[i].weight = convolutions.down[i].weight
        plain.up[i].weight = convolutions.up[i].weight
        for noise, block in ((plain.down_noise, i), (plain.up_noise, 2 * DEPTH - 1 - i)):
            noise[i].weight.data = weights[f"conditions.maps.{block}.weight"].T / 16
    plain.readout.weight.data = weights["readout.weight"].T[:, :, None] / WIDTH
    plain.skip_readout.weight.data = weights["skip_readout.weight"].T[:, :, None] / WIDTH**0.5
    return plain


def test_the_plain_network_is_the_same_function():
    case = Case(WIDTH)
    for block in case.network.conditions.maps:
        torch.nn.init.normal_(block.weight)  # zero at first
    xt = torch.from_numpy(case.strings[0, :BATCH]).long()
    t = torch.randint(1, 1001, (BATCH,), generator=torch.Generator().manual_seed(0))
    plain = with_our_weights(case.network, 1000)
    expected = case.network(xt[None], t[None])[0].mT
    torch.testing.assert_close(plain(xt, t), expected, atol=1e-5, rtol=1e-4)


def flop(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def test_the_products_that_steps_are_held_against_are_nearly_all_of_a_step():
    case = Case(width=256)
    products, step = flop(case.products()), flop(lambda: case.bare(1))
    assert 0.97 * step < products < step
