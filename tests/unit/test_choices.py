"""Registries: what a job may look up in them."""

import pytest

from pipeline.base.choices import Choices, hold_to
from pipeline.base.errors import PipelineError
from pipeline.rhm.settings import Probe
from pipeline.stages.specs import make_spec, start_job
from tests.unit.training_case import train_spec

REGISTRY = Choices("training.loss", {"one": 1, "two": 2})
OTHER = Choices("training.optimizer", {"one": 1})


@pytest.fixture(autouse=True)
def free_again():
    yield
    hold_to({})


def test_a_registry_is_a_mapping_of_names():
    assert dict(REGISTRY) == {"one": 1, "two": 2}
    assert REGISTRY.named("two", "one") == ("two", "one")
    with pytest.raises(KeyError):
        REGISTRY.named("three")


def test_a_job_looks_up_what_it_was_planned_for():
    hold_to({"training.loss": ["two"]})
    assert (REGISTRY["two"], OTHER["one"]) == (2, 1)
    with pytest.raises(PipelineError) as error:
        REGISTRY["one"]
    assert str(error.value) == (
        "training.loss: this job was planned for two, but its inputs were made with one; make "
        "them anew (--forcerun and their rule)"
    )


def test_starting_a_job_holds_it_to_its_spec():
    from pipeline.noise.losses import LOSSES

    trained = train_spec([[0, 0, 0]], loss="hybrid").settings
    assert start_job(make_spec("probe", "rhm", Probe(strings=4), trained)).plain["choices"]
    assert LOSSES["hybrid"]
    with pytest.raises(PipelineError, match=r"training\.loss: this job was planned for hybrid"):
        LOSSES["cross_entropy"]
