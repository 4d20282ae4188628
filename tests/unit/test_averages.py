"""Averages of weights against the sum that they are, and back from a checkpoint."""

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.networks.averages import Averages, averaged_weights


def walk(decays, steps, at_start=5.0, warmup=True):
    """A weight that takes the values 1, 2, 3, ..., and its averages."""
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(at_start)
    averages = Averages(decays, network, warmup)
    for step in range(1, steps + 1):
        with torch.no_grad():
            network.weight.fill_(float(step))
        averages.update(network, step)
    return {name: float(tensor) for name, tensor in averages.tensors.items()}


def written_out(decay, steps, at_start=5.0):
    rates = [1 - min(decay, k / (9 + k)) for k in range(1, steps + 1)]
    weights = [rate * np.prod([1 - r for r in rates[k + 1 :]]) for k, rate in enumerate(rates)]
    start = np.prod([1 - rate for rate in rates])
    return start * at_start + sum(w * k for k, w in enumerate(weights, start=1))


@pytest.mark.parametrize("steps", [1, 2, 20, 300])
def test_an_average_is_its_sum_written_out(steps):
    found = walk([0.9, 0.99], steps)
    assert found["average0.9/weight"] == pytest.approx(written_out(0.9, steps), rel=1e-5)
    assert found["average0.99/weight"] == pytest.approx(written_out(0.99, steps), rel=1e-5)


def test_early_averages_forget_the_start_and_late_ones_have_the_memory_of_their_decay():
    assert walk([0.9999], 100, at_start=0.0) == pytest.approx(
        walk([0.9999], 100, at_start=1e6), rel=1e-3
    )
    assert 2000 - walk([0.99], 2000)["average0.99/weight"] == pytest.approx(99, rel=1e-3)


def test_without_warmup_the_start_keeps_its_share():
    """As in the released text run: 0.90 of the start after 1024 steps, 0.66 after 4096."""
    for steps, share in ((1024, 0.90), (4096, 0.66)):
        found = [walk([0.9999], steps, start, warmup=False) for start in (0.0, 1.0)]
        low, high = (average["average0.9999/weight"] for average in found)
        assert high - low == pytest.approx(0.9999**steps, abs=2e-3)
        assert high - low == pytest.approx(share, abs=0.01)


def test_weights_and_averages_of_a_checkpoint_are_told_apart():
    network = nn.Linear(2, 3)
    averages = Averages([0.9, 0.999], network, warmup=True)
    tensors = {**network.state_dict(), **averages.tensors}
    assert averaged_weights(tensors, None).keys() == network.state_dict().keys()
    assert averaged_weights(tensors, 0.999).keys() == network.state_dict().keys()
    with pytest.raises(KeyError, match="average0.5"):
        averaged_weights(tensors, 0.5)


def test_averages_go_on_from_where_they_were_saved():
    network, other = nn.Linear(2, 2), nn.Linear(2, 2)
    saved, restored = (Averages([0.9], net, warmup=True) for net in (network, other))
    restored.load(saved.tensors)
    saved.update(network, 3)
    restored.update(network, 3)
    for name, tensor in saved.tensors.items():
        torch.testing.assert_close(restored.tensors[name], tensor)
