"""Networks, losses and gradients on a GPU are those of the CPU, within the rounding of products."""

import pytest
import torch

from pipeline.training.captured import CapturedGradients
from tests.gpu.cases import (
    CASES,
    GRADIENTS,
    LOSS,
    OUTPUTS,
    error,
    joined,
    products_in,
    reference,
    results,
)

EVERY_CASE = pytest.mark.parametrize("name", CASES)


@EVERY_CASE
def test_outputs_losses_and_gradients_are_those_of_one_string_at_a_time(device, name):
    case = CASES[name]
    found, expected = results(case, device), reference(case)
    errors = {
        "outputs": error(found.outputs, expected.outputs),
        "losses": error(found.losses, expected.losses),
        "gradients": error(joined(found.gradients), joined(expected.gradients)),
    }
    print(f"errors on {device} of {name}: {errors}")
    assert found.outputs.dtype == torch.float32
    assert errors["outputs"] < OUTPUTS[case.precision]
    assert errors["losses"] < LOSS[case.precision]
    assert errors["gradients"] < GRADIENTS[case.precision]
    for weight, gradient in expected.gradients.items():  # none is lost among the large ones
        if gradient.norm() > 1e-3 * joined(expected.gradients).norm():
            assert error(found.gradients[weight], gradient) < 3 * GRADIENTS[case.precision]


@EVERY_CASE
def test_replicas_have_gradients_of_their_own_alone(device, name):
    case = CASES[name]
    network, batch = case.network().to(device), case.batch(device)
    losses = case.training(network)._losses(*batch)
    losses[0].backward()
    if case.shape[0] > 1:
        assert all(not weight.grad[1:].any() for weight in network.parameters())
    assert all(weight.grad.isfinite().all() for weight in network.parameters())


def test_a_transformer_has_the_same_logits_at_some_positions(device):
    case = CASES["transformer"]
    network, (tokens, levels, draws) = case.network().to(device), case.batch(device)
    corrupted = case.noise.corrupt(tokens, levels, draws)
    positions = torch.tensor([7, 0, 3], device=device).expand(*tokens.shape[:2], 3)
    with torch.inference_mode():
        some, every = network.logits_at(corrupted, levels, positions), network(corrupted, levels)
    assert error(some, every[:, :, [7, 0, 3]]) < OUTPUTS["bfloat16"]


@EVERY_CASE
def test_captured_gradients_are_those_of_the_same_losses_without_a_graph(device, name):
    if device.type != "cuda":
        pytest.skip("CUDA graphs are a GPU's")
    case = CASES[name]
    network = case.network().to(device)
    losses, batch = case.training(network)._losses, case.batch(device)
    other = [batch[0].flip(1), batch[1].flip(1), batch[2]]
    with products_in(case.precision):
        captured = CapturedGradients(losses, network.parameters(), batch)
        for tensors in (other, batch, other):
            with torch.no_grad():
                for weight in network.parameters():
                    weight.mul_(1.01)  # as an optimiser would: in place
            replayed = captured(tensors)
            found = joined({n: weight.grad for n, weight in network.named_parameters()})
            expected = losses(*tensors)
            gradients = torch.autograd.grad(expected.sum(), list(network.parameters()))
            # The same kernels: only sums may have another order, which bfloat16 rounds otherwise.
            tolerance = 1e-2 if case.precision == "bfloat16" else 1e-4
            assert error(replayed, expected) < tolerance
            assert error(found, joined(dict(enumerate(gradients)))) < tolerance
