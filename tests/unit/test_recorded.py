"""The config that a run was last started with, beside the one that it is started with now."""

import json
from pathlib import Path

import pytest

from pipeline.config.load import load_config
from pipeline.config.recorded import other_config, record_configs

ROOT = Path(__file__).parents[2]


def config(**overrides):
    return load_config(
        ROOT / "config.yaml", ROOT / "workflow/presets", {"run": "mine", **overrides}
    )


def of_grammars(**section):
    return {"rhm": section}


@pytest.fixture
def results(tmp_path):
    """Directory in which `mine` was started with the config as it is, but for another width."""
    record_configs(tmp_path, {"mine": config(domains=of_grammars(network={"width": 32}))})
    return tmp_path


def test_the_same_config_again_is_no_news(results):
    assert other_config(results, config(domains=of_grammars(network={"width": 32}))) == []
    assert other_config(results, config(run="yours")) == []


def test_a_key_that_is_not_set_again_is_told_with_both_values(results):
    told, remedy = other_config(results, config())
    assert told == (
        "warning: run mine was last started with another config: "
        "domains.rhm.network.width (was 32, is 8192)"
    )
    assert "--set (or --config) again" in remedy
    assert "name another run" in remedy


def test_many_keys_take_no_more_than_two_lines(results):
    told, _ = other_config(results, config(preset="demo"))
    differing = int(told.rpartition(" and ")[2].removesuffix(" more"))
    assert differing > 20
    assert "domains.rhm.grid.replicas_per_job (was 1, is 4), domains.rhm.grid.grammars, " in told
    grammars = [{"v": 16, "m": 4, "s": 2, "L": 3, "dataset_sizes": [16, 32, "online"]}]
    domains = of_grammars(network={"width": 32}, grid={"grammars": grammars})
    told, _ = other_config(results, config(domains=domains))
    assert told.endswith("another config: domains.rhm.grid.grammars")


def test_what_is_shown_of_a_run_and_keys_of_another_version_are_passed_over(results):
    wide = of_grammars(network={"width": 32})
    assert other_config(results, config(domains=wide, partial=True)) == []
    path = results / "mine/config.json"
    plain = json.loads(path.read_text())
    plain["domains"]["rhm"]["network"]["colour"] = plain["domains"]["rhm"]["network"].pop("width")
    path.write_text(json.dumps(plain))
    assert other_config(results, config()) == []


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_is_no_config_tells_nothing(results, text):
    (results / "mine/config.json").write_text(text)
    assert other_config(results, config()) == []
