"""How training uses CUDA graphs of gradients, with a stand-in where there is no GPU."""

import pytest
import torch

from pipeline.training import module, train
from tests.unit import training_case as case

REPLICAS = [[0, 0, 0], [1, 0, 0]]


class StandIn:
    """What `CapturedGradients` does, without a graph."""

    made = 0

    def __init__(self, losses, parameters, example):
        type(self).made += 1
        self._losses, self._weights = losses, list(parameters)
        self(example)

    def __call__(self, batch):
        for weight in self._weights:
            weight.grad = None
        losses = self._losses(*batch)
        losses.sum().backward()
        return losses.detach()


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Weights after ten steps, captured or not."""

    def run(name, captured):
        directory = tmp_path / name
        directory.mkdir()
        case.prepare(directory, REPLICAS)

        def denoising(*parts):
            return module.Denoising(*parts[:-1], capture=captured)

        monkeypatch.setattr(train, "Denoising", denoising)
        case.run(directory, case.train_spec(REPLICAS), [10])
        return case.weights(directory, 10)

    return run


def fails(*_, **__):
    raise RuntimeError("not\non this machine")


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name]).all() for name in expected)


def test_captured_gradients_take_the_place_of_those_of_calls(trained, monkeypatch):
    monkeypatch.setattr(module, "CapturedGradients", StandIn)
    monkeypatch.setattr(torch, "compile", lambda losses, dynamic: losses)
    found, made = trained("captured", captured=True), StandIn.made
    assert_equal(found, trained("eager", captured=False))
    assert made == StandIn.made == 1


def test_what_cannot_be_compiled_is_captured_as_it_is(trained, monkeypatch, capsys):
    monkeypatch.setattr(module, "CapturedGradients", StandIn)
    monkeypatch.setattr(torch, "compile", lambda losses, dynamic: fails)
    found = trained("captured", captured=True)
    assert "warning: training: no CUDA graph, not on this machine\n" in capsys.readouterr().err
    assert_equal(found, trained("eager", captured=False))


def test_what_cannot_be_captured_is_trained_without(trained, monkeypatch, capsys):
    monkeypatch.setattr(module, "CapturedGradients", fails)
    found = trained("captured", captured=True)
    warnings = capsys.readouterr().err.count("no CUDA graph, not on this machine")
    assert warnings == 2
    assert_equal(found, trained("eager", captured=False))
