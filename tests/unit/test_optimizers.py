"""Schedules of the learning rate at the steps where they can be told by hand."""

import math

import pytest
import torch

from pipeline.rhm import model
from pipeline.training.optimizers import adamw, warmup_constant, warmup_cosine
from pipeline.training.settings import AdamWOptimisation
from tests.unit.settings_case import section_of
from tests.unit.text_training_case import TRAINING
from tests.unit.training_case import train_spec


def test_the_rate_rises_and_then_falls_as_a_cosine_to_zero():
    factor = warmup_cosine(steps=110, warmup_steps=10)
    assert [factor(step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert [factor(step) for step in (10, 35, 60, 110)] == pytest.approx(
        [1, (1 + math.sqrt(0.5)) / 2, 0.5, 0], abs=1e-12
    )
    assert factor(200) == pytest.approx(0, abs=1e-12)


def test_a_run_that_is_all_warm_up_has_no_cosine():
    factor = warmup_cosine(steps=4, warmup_steps=8)
    assert [factor(step) for step in range(4)] == [0.125, 0.25, 0.375, 0.5]


def test_a_constant_rate_has_a_warm_up_or_none():
    assert [warmup_constant(4)(step) for step in (0, 1, 3, 4, 10**6)] == [0.25, 0.5, 1, 1, 1]
    assert [warmup_constant(0)(step) for step in (0, 10**6)] == [1, 1]


ADAMW = {key: value for key, value in TRAINING.items() if key != "cosine_steps"}


def test_adamw_is_set_as_the_config_says():
    changes = {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "weight_decay": 0.25}
    training = section_of(AdamWOptimisation, ADAMW | changes)
    optimizer = adamw(torch.nn.Linear(1, 1), training)
    [group] = optimizer.param_groups
    assert (group["lr"], group["betas"], group["weight_decay"]) == (0.1, (0.5, 0.75), 0.25)


def rhm_optimizer(network, optimizer, unit):
    training = {"optimizer": optimizer, "learning_rate": 0.5, "learning_rate_unit": unit}
    spec = train_spec([[0, 0, 0]], **training, steps=100, decay_from=0.5)
    return model.build_optimizer(network, spec.settings)


@pytest.mark.parametrize(("unit", "rate"), [("one", 0.5), ("width", 4.0)])
@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_the_rate_is_in_its_unit_whatever_the_optimiser(kind, unit, rate):
    options = {"sgd": {"momentum": 0.9}, "adam": {"beta1": 0.5, "beta2": 0.75}}[kind]
    network = torch.nn.Linear(1, 1)
    network.width = 8
    optimizer, factor = rhm_optimizer(network, {"kind": kind, **options}, unit)
    [group] = optimizer.param_groups
    assert group["lr"] == rate
    assert [factor(step) for step in (0, 50, 75, 100)] == [1, 1, 0.5, 0]
    if kind == "sgd":
        assert group["momentum"] == 0.9
    else:
        assert (group["betas"], group["weight_decay"]) == ((0.5, 0.75), 0)


def test_adam_takes_the_steps_of_adam():
    ours, theirs = (torch.nn.Linear(3, 2) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    ours.width = 1
    optimizer, _ = rhm_optimizer(ours, {"kind": "adam", "beta1": 0.9, "beta2": 0.999}, "one")
    plain = torch.optim.Adam(theirs.parameters(), lr=0.5, betas=(0.9, 0.999))
    for step in range(20):
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        for network, made in ((ours, optimizer), (theirs, plain)):
            made.zero_grad()
            network(x).square().mean().backward()
            made.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
