"""The curve that a training writes while it runs."""

import os
import signal
import sys
from types import ModuleType

import pandas as pd
import pytest

from pipeline.base.errors import PipelineError
from pipeline.training import curve
from pipeline.training.names import CURVE, CURVE_COLUMNS
from tests.unit import training_case as case

REPLICAS = [[0, 0, 0], [1, 0, 0]]


@pytest.fixture
def home(tmp_path):
    case.prepare(tmp_path, REPLICAS)
    return tmp_path


@pytest.fixture
def every_step(monkeypatch):
    monkeypatch.setattr(curve, "_FIRST", -1.0)
    monkeypatch.setattr(curve, "_INTERVAL", -1.0)


def train(home):
    case.run(home, case.train_spec(REPLICAS), [20, 60])
    return pd.read_csv(home / "logs" / CURVE)


def test_a_short_training_has_its_last_point(home):
    found = train(home)
    assert tuple(found.columns) == CURVE_COLUMNS
    assert found[["step", "last_step"]].to_numpy().tolist() == [[60, 60]]
    assert (found["steps_per_second"] > 0).all()


@pytest.mark.usefixtures("every_step")
def test_points_have_the_loss_of_their_steps_and_the_learning_rate(home, monkeypatch):
    seen = []
    check = curve.Denoising._check

    def keep(self, step, losses):
        seen.append(losses.mean().item())
        check(self, step, losses)

    monkeypatch.setattr(curve.Denoising, "_check", keep)
    found = train(home)
    assert list(found["step"]) == list(range(2, 61))
    assert list(found["loss"]) == pytest.approx([(seen[0] + seen[1]) / 2, *seen[2:]])
    losses = pd.read_parquet(home / "losses.parquet")
    of_last = losses.loc[losses["step"] == 60, "optimizer_learning_rate"].iloc[0]
    assert found["learning_rate"].iloc[-1] == pytest.approx(of_last)


@pytest.mark.usefixtures("every_step")
def test_a_resumed_training_goes_on_with_its_curve(home, monkeypatch):
    check = curve.Denoising._check

    def end_at_fifth(self, step, losses):
        if step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        check(self, step, losses)

    with monkeypatch.context() as patch, pytest.raises(PipelineError, match="resume me"):
        patch.setattr(curve.Denoising, "_check", end_at_fifth)
        train(home)
    found = list(train(home)["step"])
    assert found == sorted(found)
    first_of_second_attempt = set(range(2, 61)) - set(found)
    assert first_of_second_attempt <= {6, 7}
    assert len(first_of_second_attempt) == 1


@pytest.mark.usefixtures("every_step")
def test_where_tensorboard_is_installed_it_gets_the_points(home, monkeypatch):
    added, closed = [], []

    class SummaryWriter:
        def __init__(self, directory):
            assert directory == f"{home}/logs/tensorboard"

        def add_scalar(self, name, value, step):
            added.append((name, step))

        def close(self):
            closed.append(True)

    board = ModuleType("torch.utils.tensorboard")
    board.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    train(home)
    assert ("loss", 60) in added
    assert len(added) == 3 * 59  # the clock starts after the first step
    assert closed == [True]
