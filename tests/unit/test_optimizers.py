"""Schedules of the learning rate at the steps where they can be told by hand."""

import math

import pytest
import torch

from pipeline.training.optimizers import adamw, warmup_constant, warmup_cosine


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


def test_adamw_is_set_as_the_config_says():
    settings = {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "weight_decay": 0.25}
    optimizer = adamw(torch.nn.Linear(1, 1), settings)
    [group] = optimizer.param_groups
    assert (group["lr"], group["betas"], group["weight_decay"]) == (0.1, (0.5, 0.75), 0.25)
