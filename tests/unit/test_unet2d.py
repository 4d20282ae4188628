"""The U-Net for images: its parameters, its start, what it sees, and another implementation."""

import math

import pytest
import torch

from pipeline.networks.unet2d import UNet2d, _Attention, _Block, _sinusoids

SHAPE = {"levels": 40, "size": 8, "width": 8, "groups": 4, "residual_blocks": 1}
SHAPE |= {"multipliers": [1, 2], "attention": [4], "heads": 2}
PAPER = {"levels": 4000, "size": 64, "width": 128, "groups": 32, "residual_blocks": 3}
PAPER |= {"multipliers": [1, 2, 3, 4], "attention": [16, 8], "heads": 4}


def network(seed=0, **shape):
    return UNet2d(seed, **SHAPE | shape)


def trained(**shape):
    """A network with some weights everywhere, as after training."""
    return fill(network(**shape))


def fill(net):
    generator = torch.Generator().manual_seed(1)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.15, generator=generator)
    return net


def images(count=3, size=8):
    return torch.randn(1, count, 3 * size**2, generator=torch.Generator().manual_seed(2))


TIMES = torch.tensor([[1, 20, 40]])


def test_it_puts_out_zeros_before_training_in_the_shape_of_the_image():
    found = network()(images(), TIMES)
    assert found.shape == (1, 3, 192, 2)
    assert found.dtype == torch.float32
    assert not found.any()
    assert trained()(images(), TIMES).abs().min() > 0


def test_only_last_layers_start_at_zero_and_norms_without_effect():
    for name, weight in network().named_parameters():
        layer, kind = name.split(".")[-2:]
        if layer.startswith("norm"):
            assert (weight == (kind == "weight")).all()
        else:
            assert bool((weight == 0).all()) == (layer == "out"), name


def test_weights_are_a_function_of_the_seed_at_the_scale_of_pytorch():
    one, same, other = (dict(network(seed).named_parameters()) for seed in (3, 3, 4))
    for name, weight in one.items():
        assert torch.equal(weight, same[name])
        start = "norm" in name or name.split(".")[-2] == "out"
        assert torch.equal(weight, other[name]) == start
    firsts = [float(w.detach().flatten()[0]) for n, w in one.items() if "convolve.weight" in n]
    assert len(set(firsts)) == len(firsts)
    bound, weights = 72**-0.5, one["down.0.convolve.weight"].detach()
    assert 0.98 * bound < weights.abs().max() < bound
    assert float(weights.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert one["down.0.convolve.bias"].abs().max() < bound


def test_every_pixel_every_colour_and_the_level_matter_to_every_other():
    net = trained()
    before = net(images(), TIMES)
    for place in (0, 100, 191):
        changed = images()
        changed[..., place] += 1
        differs = (net(changed, TIMES) - before).abs().amax(dim=-1) > 1e-5
        assert differs.double().mean() > 0.97
    other = net(images(), TIMES.flip(1))
    differs = ((other - before).abs().amax(dim=-1) > 1e-5).all(dim=-1)
    assert differs.tolist() == [[True, False, True]]


def test_images_of_a_batch_do_not_see_one_another():
    net = trained()
    whole = net(images(), TIMES)
    for row in range(3):
        alone = net(images()[:, row : row + 1], TIMES[:, row : row + 1])
        torch.testing.assert_close(alone[:, 0], whole[:, row], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("attention", "found"), [([], 0), ([4], 3), ([8, 4], 6), ([8], 3)])
def test_attention_is_where_it_is_configured_and_in_the_middle(attention, found):
    """After each block at that resolution: one on the way down, two on the way up."""
    net = network(attention=attention)
    sides = []
    for module in net.modules():
        if isinstance(module, _Attention):
            module.register_forward_hook(lambda _m, inputs, _o: sides.append(inputs[0].shape[-1]))
    net(images(), TIMES)
    in_the_middle = 4
    sides.remove(in_the_middle)
    assert len(sides) == found
    assert set(sides) == set(attention)


def test_resolutions_and_channels_are_as_configured():
    shapes = []
    net = network(size=16, multipliers=[1, 3, 2], residual_blocks=2, attention=[])
    for module in net.modules():
        if isinstance(module, _Block):
            module.register_forward_hook(lambda _m, _i, output: shapes.append(output.shape[1:3]))
    net(images(size=16), TIMES)
    down = [(8, 16)] * 2 + [(24, 8)] * 2 + [(16, 4)] * 2
    up = [(16, 4)] * 3 + [(24, 8)] * 3 + [(8, 16)] * 3
    assert shapes == [*down, (16, 4), (16, 4), *up]


def test_the_noise_level_is_embedded_as_in_public_code():
    """Cosines, then sines, of 1000 (t - 1) / T over wavelengths from 2 pi to nearly 2 pi 10**4."""
    t = (TIMES[0] - 1) * (1000 / 40)
    found = _sinusoids(t, 8)
    for row, time in enumerate([0, 475, 975]):
        angles = [time / 1e4 ** (k / 4) for k in range(4)]
        expected = [*map(math.cos, angles), *map(math.sin, angles)]
        assert found[row].tolist() == pytest.approx(expected, abs=1e-4)


def test_the_papers_network_has_121_million_weights():
    with torch.device("meta"):
        net = UNet2d(0, **PAPER)
    assert sum(weight.numel() for weight in net.parameters()) == 121_063_942


def other_names(theirs, mine):
    """Weights of diffusers' network that are those of mine, by taking both in order of use."""
    blocks = [*mine.down, mine.middle_in, mine.middle_out, *mine.up]
    layers = []
    for stage in theirs.down_blocks:
        layers += with_attention(stage) + list(stage.downsamplers or [])
    first, last = theirs.mid_block.resnets
    layers += [(first, theirs.mid_block.attentions[0]), (last, None)]
    for stage in theirs.up_blocks:
        layers += with_attention(stage) + list(stage.upsamplers or [])
    return [
        (theirs.time_embedding.linear_1, mine.time_in),
        (theirs.time_embedding.linear_2, mine.time_up),
        (theirs.conv_in, mine.image_in),
        *(pair for both in zip(layers, blocks, strict=True) for pair in layer_pairs(*both)),
        (theirs.conv_norm_out, mine.norm),
        (theirs.conv_out, mine.out),
    ]


def with_attention(stage):
    attentions = getattr(stage, "attentions", [None] * len(stage.resnets))
    return list(zip(stage.resnets, attentions, strict=True))


def layer_pairs(their, my):
    if not isinstance(my, _Block):
        return [(their.conv, my.convolve)]
    residual, attention = their
    pairs = [(residual.norm1, my.norm_in), (residual.conv1, my.convolve)]
    pairs += [(residual.norm2, my.norm), (residual.conv2, my.out)]
    pairs += [(residual.time_emb_proj, my.modulation)]
    if residual.conv_shortcut is not None:
        pairs += [(residual.conv_shortcut, my.skip)]
    if attention is not None:
        parts = [attention.to_q, attention.to_k, attention.to_v]
        pairs += [(attention.group_norm, my.attention.norm)]
        pairs += [(attention.to_out[0], my.attention.out), (parts, my.attention.query_key_value)]
    return pairs


@pytest.mark.slow
def test_it_agrees_with_the_network_of_diffusers_where_that_can_have_its_shape():
    from diffusers import UNet2DModel  # takes ten seconds to import

    theirs = UNet2DModel(
        sample_size=16,
        out_channels=6,
        layers_per_block=2,
        block_out_channels=(16, 32, 32),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=8,
        norm_num_groups=4,
        attn_norm_num_groups=4,
        resnet_time_scale_shift="scale_shift",
    )
    shape = {"size": 16, "width": 16, "residual_blocks": 2, "multipliers": [1, 2, 2]}
    mine = network(levels=1000, attention=[8], heads=4, **shape)
    fill(theirs)
    with torch.no_grad():
        for their, my in other_names(theirs, mine):
            parts = their if isinstance(their, list) else [their]
            my.weight.copy_(torch.cat([part.weight for part in parts]))
            my.bias.copy_(torch.cat([part.bias for part in parts]))
    assert sum(w.numel() for w in mine.parameters()) == sum(w.numel() for w in theirs.parameters())
    found = mine(images(size=16), TIMES)[0]
    expected = theirs(images(size=16).view(3, 3, 16, 16), TIMES[0] - 1).sample.flatten(1)
    torch.testing.assert_close(found[..., 0], expected[:, :768], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[..., 1], expected[:, 768:], rtol=1e-4, atol=1e-5)
    assert expected.std() > 0.1
