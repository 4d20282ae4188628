"""The stage that samples with the exact denoiser."""

import pytest

from pipeline.artifacts import tables
from pipeline.rhm.ceiling import ceiling
from pipeline.rhm.grammar.rules import make_grammar
from tests.unit.settings_case import spec_of
from tests.unit.training_case import grammar_spec

SETTING = {"v": 4, "m": 2, "s": 2, "L": 2}
SETTINGS = {
    "setting": SETTING,
    "grammar_seeds": [3, 5],
    "noise": {
        "process": "uniform",
        "noise_levels": 100,
        "schedule": {"kind": "linear_alpha_bar"},
    },
    "sampling": {"samples": 300, "steps": 100, "spacing": "even", "seed": 0, "averages": [None]},
    "ceiling": {"strings": 400, "noise_levels": [2, 100]},
}


@pytest.fixture(scope="module", params=["exact", "d3pm"])
def frame(request, tmp_path_factory):
    """Of samplers with either mixture, each of which gets the marginals that it takes."""
    settings = SETTINGS | {"noise": SETTINGS["noise"] | {"mixture": request.param}}
    directory = tmp_path_factory.mktemp("ceiling")
    sources = [directory / f"grammar_g{seed}.safetensors" for seed in SETTINGS["grammar_seeds"]]
    for seed, path in zip(SETTINGS["grammar_seeds"], sources, strict=True):
        make_grammar(grammar_spec(SETTING, seed), path)
    ceiling(spec_of("ceiling", "rhm", settings), sources, directory / "ceilings.parquet")
    return tables.read_table(directory / "ceilings.parquet", "ceilings")


def test_every_sampler_is_there_once(frame):
    identity = ["grammar_seed", "process", "schedule", "noise_levels", "sampling_levels"]
    identity += ["quantity", "level"]
    assert not frame.duplicated(identity).any()
    assert len(frame) == 2 * (2 * 3 * 2) * 3 * 2  # grammars, samplers, accuracies, levels
    assert set(frame["grammar_seed"]) == {3, 5}


def test_the_sampler_of_the_config_is_marked(frame):
    chosen = frame[frame["configured"]]
    assert (chosen["process"] == "uniform").all()
    assert (chosen["sampling_levels"] == 100).all()
    assert len(chosen) == 2 * 3 * 2
    strings = frame[frame["quantity"] == "string_accuracy"].groupby("configured")["count"]
    assert strings.unique().map(list).to_dict() == {False: [400], True: [300]}


def test_more_levels_are_better_and_many_nearly_perfect(frame):
    strings = frame[(frame["quantity"] == "string_accuracy") & (frame["level"] == 2)]
    uniform = strings[(strings["process"] == "uniform")]
    linear = uniform[uniform["schedule"] == "linear_alpha_bar"].groupby("noise_levels")["estimate"]
    assert linear.mean()[100] > 0.97
    assert linear.mean()[2] < linear.mean()[100] - 0.05


def test_revealing_tokens_a_few_at_a_time_is_better_than_half_of_them_at_once(frame):
    """At T = 2 tokens are revealed together that do not know of one another."""
    strings = frame[(frame["quantity"] == "string_accuracy") & (frame["level"] == 2)]
    absorbing = strings[strings["process"] == "absorbing"]
    linear = absorbing[absorbing["schedule"] == "linear_alpha_bar"]
    for _, part in linear.groupby("grammar_seed"):
        few, many = part.sort_values("noise_levels")["estimate"]
        assert few < 0.9
        assert many > 0.97
        assert many > few + 0.05
