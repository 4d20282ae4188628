"""Which settings a training depends on: not on how far it goes, where its rate does not."""

from pathlib import Path

import pytest

from pipeline.config.grid import cells
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES

ROOT = Path(__file__).parents[2]


def settings(domain, stage, size=None, **training):
    overrides = {"preset": "smoke", "domains": {domain: {"training": training}}}
    config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides)
    section = config.domain(domain)
    chosen = [cell for cell in cells(section, []) if size in (None, cell.dataset_size)]
    return SLICES[domain][stage](section, chosen[0])


FURTHER = {"steps": 500, "checkpoints": [10, 400]}


@pytest.mark.parametrize(
    ("domain", "schedule"),
    [("rhm", {"decay_from": 1.0}), ("text", {"cosine_steps": 900}), ("image", {})],
)
def test_a_training_with_more_steps_is_the_same_where_its_rate_is(domain, schedule):
    one, other = (settings(domain, "train", **schedule, **more) for more in ({}, FURTHER))
    assert one == other


def test_a_training_with_more_steps_is_another_where_its_rate_falls_towards_the_last():
    one, other = (settings("rhm", "train", decay_from=0.5, **more) for more in ({}, FURTHER))
    assert (one.training.steps, other.training.steps) == (50, 500)


def test_as_many_strings_are_made_online_as_will_be_read():
    def online(**training):
        return settings("rhm", "dataset", "online", **training).training_size

    batch = settings("rhm", "train").training.batch_size
    assert online() == online(steps=500) == 40 * batch
    assert online(**FURTHER) == 400 * batch
    assert online(checkpoints=[1], batch_size=2) == 8, "losses are taken on as many as are held out"


def test_datasets_of_numbers_do_not_depend_on_training():
    assert settings("rhm", "dataset", "8") == settings("rhm", "dataset", "8", **FURTHER)
