"""Network, loss and reverse step against what the paper's released code makes of the same input."""

import pytest
import torch

from pipeline.noise.losses import LOSSES
from pipeline.noise.schedules import alpha_bar
from tests.unit import released_case

TOLERANCE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(params=released_case.CASES)
def found(request):
    """Our network's logits, the other arguments of a loss, and the released code's numbers."""
    case = released_case.CASES[request.param]
    noise, network = released_case.build(case)
    x0, xt, t = released_case.strings(case)
    known = {k: torch.tensor(v)[None] for k, v in released_case.VALUES[request.param].items()}
    with torch.no_grad():
        return noise, network(xt, t), (x0, xt, t), known


def test_the_network_has_its_outputs(found):
    _, logits, _, known = found
    assert logits.std() > 0.05
    torch.testing.assert_close(logits, known["logits"], **TOLERANCE)


def test_the_loss_is_its_loss(found):
    """Its logarithms have a floor of 1e-8, and it works in float32."""
    noise, logits, strings, known = found
    losses = LOSSES["step_divergence"](noise, logits, *strings)
    assert losses.max() > 5e-4
    torch.testing.assert_close(losses, known["loss"], **TOLERANCE)


def test_the_reverse_step_is_its_step(found):
    noise, logits, (_, xt, t), known = found
    step = noise.reverse(torch.softmax(logits.double(), dim=-1), xt, t, t - 1)
    torch.testing.assert_close(step.float(), known["reverse"], **TOLERANCE)


def test_the_schedule_has_the_ends_of_the_paper():
    values = alpha_bar("linear_beta", 1000, first=1e-4, last=0.02)
    assert values[0] == 1 - 1e-4
    assert values[-1] == pytest.approx(4.0e-5, rel=0.02)
    assert alpha_bar("linear_beta", 200, first=1e-3, last=0.1)[-1] == pytest.approx(
        2.7e-5, rel=0.02
    )
