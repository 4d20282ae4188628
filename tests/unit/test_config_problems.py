"""Every problem of a config is told at once: key, value, remedy, nearest name and place."""

import re
import time
from pathlib import Path

import pytest

from pipeline.base.errors import PipelineError
from pipeline.config.grid import cells
from pipeline.config.load import load_config, load_configs, read_overrides
from pipeline.run.disk import describe_disk

ROOT = Path(__file__).parents[2]
PRESETS = ROOT / "workflow/presets"


def given(tmp_path, *texts, entries=("preset=smoke",)):
    """What is said of files given with --configfile."""
    paths = [tmp_path / f"given{place}.yaml" for place in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return load_configs(ROOT / "config.yaml", PRESETS, read_overrides(paths, entries))


def refusal(tmp_path, *texts, **entries):
    with pytest.raises(PipelineError) as caught:
        given(tmp_path, *texts, **entries)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "domains:\n  text:\n    training: {learning-rate: 0.1}",
            r"domains\.text\.training\.learning-rate = 0\.1: there is no such key; did you mean "
            r"'learning_rate'\? \(.*given0\.yaml, line 3\)$",
        ),
        (
            "domains: {text: {training: {learning rate: 0.1}}}",
            r"training\.learning rate = 0\.1: .* did you mean 'learning_rate'\?",
        ),
        (
            "training.learning_rate_unit: one",
            r"training\.learning_rate_unit = 'one': there is no such key; did you mean "
            r"domains\.rhm\.training\.learning_rate_unit\?",
        ),
        (
            "domains: {rhm: {noise: {levels: 10}}}",
            r"rhm\.noise\.levels = 10: there is no such key; did you mean 'noise_levels'\?",
        ),
        (
            "domains: {rhm: {ceiling: {levels: [10]}}}",
            r"rhm\.ceiling\.levels = \[10\]: there is no such key; did you mean 'noise_levels'\?",
        ),
        (
            "domains: {image: {measurement: {blocks: 8}}}",
            r"image\.measurement\.blocks = 8: there .*; did you mean 'jackknife_blocks'\?",
        ),
        (
            "domains: {rhm: {sampling: {levels: 10}}}",
            r"rhm\.sampling\.levels = 10: there is no such key; keys are .*steps",
        ),
        ("palette: magma", r"palette = 'magma': .* did you mean style\.palette\?"),
        (
            "sampling: {posterior: d3pm}",
            r"sampling: there is no such key; did you mean domains\.rhm\.sampling or",
        ),
        (
            "domains: {rhm: {sampling: {posterior: d3pm}}}",
            r"rhm\.sampling\.posterior = 'd3pm': there is no such key",
        ),
        (
            "domains: {text: {grid: {dataset_sizes: [onlin]}}}",
            r"text\.grid\.dataset_sizes\.0 = 'onlin': must be a valid integer or 'online'; did you "
            r"mean 'online'\?",
        ),
        (
            "domains: {text: {grid: {dataset_sizes: [Online]}}}",
            r"must be a valid integer or 'online'; did you mean 'online'\?",
        ),
        (
            "domains: {text: {training: {learning_rate: '1e-4'}}}",
            r"learning_rate = '1e-4': must be a valid number; write a number, .* without quotes",
        ),
        (
            "domains: {text: {training: {steps: 1:20}}}",
            r"steps = '1:20': must be a valid integer; write a whole number",
        ),
        (
            "domains: {text: {training: {compile: yes}}}",
            r"compile = 'yes': must be a valid boolean; write true or false",
        ),
        ("run: 2026", r"run = 2026: must be a valid string; put it in quotes"),
        ("style: {palette: nopalette}", r"style\.palette = 'nopalette': must be 'viridis'|no such"),
        ("style: {palette: deep}", r"style\.palette = 'deep'"),
        ("style: {palette: Viridis}", r"style\.palette = 'Viridis': .* did you mean 'viridis'\?"),
        (
            "domains: {image: {data: {source: {kind: generted}}}}",
            r"source: kind = 'generted' must be .*; did you mean 'generated'\?",
        ),
        ("domains: {text: 3}", r"domains\.text = 3: must be a section, keys with values"),
    ],
)
def test_a_problem_is_one_line_with_the_remedy(tmp_path, text, message):
    told = refusal(tmp_path, text)
    assert re.search(message, told), told
    assert "\n" not in told


def test_all_problems_are_told_at_once_each_where_it_stands(tmp_path):
    told = refusal(
        tmp_path,
        "run: a b\ndomains:\n  rhm:\n    noise: {levls: 3}\n  text:\n    training: {steps: many}\n",
        "domains:\n  image:\n    training: {batch_size: 0}\n",
        entries=("preset=smoke", "style={palet: x}"),
    )
    first, *lines = told.splitlines()
    assert first == "config: 5 problems:"
    for key, place in {
        "run = 'a b'": r"given0\.yaml, line 1",
        "domains.rhm.noise.levls": r"given0\.yaml, line 4",
        "domains.text.training.steps": r"given0\.yaml, line 6",
        "domains.image.training.batch_size": r"given1\.yaml, line 3",
        "style.palet": "--config style, line 1",
    }.items():
        (line,) = [line for line in lines if line.startswith(f"  {key}")]
        assert re.search(rf"\((\S*/)?{place}\)$", line), line


def test_several_problems_of_one_section_are_told_at_once(tmp_path):
    told = refusal(
        tmp_path, "domains: {rhm: {sampling: {steps: 2000}, probe: {strings: 9}, measurement: "
        "{jackknife_blocks: 300, shown_strings: 257}}}"
    )  # fmt: skip
    assert told.startswith("config: 4 problems:")
    for part in ("sampling.steps = 2000", "probe.strings = 9", "blocks = 300", "strings = 257"):
        assert part in told


def test_very_many_problems_and_odd_keys_do_not_flood_the_terminal(tmp_path):
    keys = ", ".join(f"k{number}: 1" for number in range(20_000))
    start = time.monotonic()
    told = refusal(tmp_path, f'{{"a\\nb": 1, {"x" * 900}: 1, {keys}}}')
    assert time.monotonic() - start < 30
    assert len(told) < 20_000
    assert len(told.splitlines()) == 52
    assert told.splitlines()[1].startswith(r"  'a\nb' = 1: there is no such key")
    assert told.endswith("and 19952 more, told when these are mended")


def test_problems_of_all_departures_are_told_at_once(tmp_path):
    told = refusal(
        tmp_path,
        "departures:\n  one: {training: {loss: hybrid}}\n  two: {noise: {levls: 3}}\n"
        "  three: {training: {checkpoints: [10]}}\n",
    )
    assert told.startswith("config: 3 problems:")
    assert "departures.one: domains.rhm: training.loss = 'hybrid' teaches posteriors" in told
    assert re.search(
        r"departures\.two: .*levls = 3: .*'noise_levels'\? \(.*given0\.yaml, line 3\)", told
    )
    assert "departures.three.training.checkpoints = [10] must be that of the run" in told


def test_a_preset_with_a_key_twice_is_refused(tmp_path):
    (tmp_path / "one.yaml").write_text("run: one\nrun: two\n")
    with pytest.raises(PipelineError, match=r"one\.yaml, line 2: the key 'run' stands in line 1"):
        load_config(ROOT / "config.yaml", tmp_path, {"preset": "one"})


def test_a_wrong_preset_is_told_the_nearest():
    with pytest.raises(PipelineError, match=r"or none for config\.yaml as it is; did you mean 'de"):
        load_config(ROOT / "config.yaml", PRESETS, {"preset": "demoo"})


def test_none_is_the_preset_of_the_config_file_as_it_is():
    configs = [load_config(ROOT / "config.yaml", PRESETS, o) for o in ({}, {"preset": "none"})]
    assert configs[0] == configs[1]


def test_later_files_and_then_entries_count_and_keep_their_types(tmp_path):
    configs = given(
        tmp_path,
        "domains: {rhm: {network: {width: 8}, training: {steps: 41}}}",
        "domains: {rhm: {network: {width: 16}}}",
        entries=("preset=smoke", "domains={rhm: {training: {steps: 60, learning_rate: 1e-2}}}"),
    )
    rhm = configs["smoke"].domains.rhm
    assert (rhm.network.width, rhm.training.steps, rhm.training.learning_rate) == (16, 60, 0.01)


BATCH = "domains: {text: {training: {batch_size: 1000000000}}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BATCH, r"batch_size = 1000000000: must be at most 1048576"),
        ("domains: {rhm: {sampling: {samples: 1e30}}}", r"samples = 1\d{30}: must be at most 1000"),
        ("domains: {rhm: {training: {steps: 1e12}}}", r"steps = 1000000000000: must be at most"),
        ("domains: {rhm: {training: {learning_rate: .inf}}}", r"learning_rate = inf: .*finite"),
        ("domains: {image: {training: {weight_decay: .nan}}}", r"weight_decay = nan: .*finite"),
        ("claims: {margin: 1e999}", r"claims\.margin = inf: must be a finite number"),
        ("style: {page_width: .inf}", r"page_width = inf: must be a finite number"),
        ("departures: {a: {training: {learning_rate: .inf}}}", r"departures\.a: .* finite"),
        (
            "domains: {image: {network: {residual_blocks: 9223372036854775808}}}",
            r"residual_blocks = 9223372036854775808: must be at most 64",
        ),
        (
            "domains: {image: {data: {size: 1048576}}}",
            r"data\.size = 1048576 and encoder\.size = \d+ must be at most 4096",
        ),
        ("domains: {text: {data: {context: 1000000000000}}}", r"context = 1\d+ must be at most"),
        ("domains: {text: {network: {layers: 1e18}}}", r"layers = 1\d+: must be at most 1000"),
        (
            "domains: {rhm: {noise: {noise_levels: 1e9}}}",
            r"levels = 1000000000: must be at most 100000",
        ),
        ("domains: {rhm: {network: {width: 1e10}}}", r"width = 10000000000: must be at most 65536"),
        (f"run: {'x' * 300}", r"run = 'xxx.*at most 100 characters"),
        (
            "domains: {text: {training: {warmup_steps: 40}}}",
            r"text\.training: warmup_steps = 40 must be below steps = 40",
        ),
        (
            "domains: {image: {training: {warmup_steps: 100000}}}",
            r"image\.training: warmup_steps = 100000 must be below steps = ",
        ),
        (
            "domains: {text: {judge: {model: {name: '$x^{y$'}}}}",
            r"judge\.model\.name = '\$x\^\{y\$' cannot be shown",
        ),
        (
            "domains: {image: {encoder: {model: {name: '$\\nosuchthing$'}}}}",
            r"encoder\.model\.name = .* cannot be shown",
        ),
        (
            'domains: {image: {encoder: {model: {name: "two\\nlines"}}}}',
            r"encoder\.model\.name = .* must be one line",
        ),
        (f"domains: {{text: {{judge: {{model: {{name: {'x' * 101}}}}}}}}}", r"1 to 100 characters"),
        (
            f"domains: {{rhm: {{grid: {{grammar_seeds: {list(range(40))}, "
            "replicas_per_job: 40}}}",
            r"replicas_per_job = 40 gives names of directories of \d+ characters",
        ),
        (
            f"domains: {{text: {{grid: {{data_seeds: {list(range(999))}, "
            f"network_seeds: {list(range(999))}}}}}}}",
            r"grid: \d+ trajectories are planned, at most 100000",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(tmp_path, text, message):
    start = time.monotonic()
    told = refusal(tmp_path, text)
    assert time.monotonic() - start < 20
    assert re.search(message, told), told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        ({"L": 40}, r"grammars\.0\.L = 40: must be at most 12"),
        ({"s": 10**9}, r"grammars\.0\.s = 1000000000: must be at most 64"),
        ({"s": 4, "L": 12}, r"s = 4 and L = 12 give strings of s\*\*L = 16777216 tokens"),
        ({"m": 10**30}, r"grammars\.0\.m = 1\d+: must be at most"),
        ({"dataset_sizes": [10**30]}, r"dataset_sizes\.0 = 1\d+: must be at most 1000000000"),
    ],
)
def test_grammars_that_cannot_be_are_refused_at_once(grammar, message):
    setting = {"v": 4, "m": 2, "s": 2, "L": 2, "dataset_sizes": [4]} | grammar
    overrides = {"preset": "smoke", "domains": {"rhm": {"grid": {"grammars": [setting]}}}}
    with pytest.raises(PipelineError, match=message):
        load_config(ROOT / "config.yaml", PRESETS, overrides)


def test_the_largest_sizes_are_reckoned_at_once(tmp_path):
    largest = """
    domains:
      rhm:
        grid: {grammars: [{v: 255, m: 255, s: 2, L: 7, dataset_sizes: [1, 1000000000]}]}
        network: {width: 65536}
        noise: {noise_levels: 100000, schedule: {kind: linear_alpha_bar}}
        training: {steps: 1000000000, batch_size: 1048576}
      text: {network: {layers: 1000, heads: 1, width: 65536}}
      image: {network: {width: 65536, residual_blocks: 64, groups: 1, heads: 1}}
    figures: []
    """
    start = time.monotonic()
    (config,) = given(tmp_path, largest).values()
    trajectories = {name: cells(config.domain(name), []) for name in ("rhm", "text", "image")}
    assert len(describe_disk(config, trajectories, jobs=2)) == 3
    assert time.monotonic() - start < 20


def test_names_with_whole_formulas_are_allowed(tmp_path):
    name = r"LLaMA-2-7B ($\alpha^{2}$, \$5)"
    configs = given(tmp_path, f"domains: {{text: {{judge: {{model: {{name: '{name}'}}}}}}}}")
    assert configs["smoke"].domains.text.judge.model.name == name


def test_an_empty_preset_is_not_taken_for_none(tmp_path):
    """As in `--config preset=$PRESET`, where the variable is not set."""
    with pytest.raises(PipelineError, match="preset is empty; name one, or write preset=none"):
        load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {"preset": None})


def test_a_kind_of_thousands_of_characters_is_shown_by_its_beginning(tmp_path):
    message = refusal(tmp_path, f"domains: {{text: {{judge: {{model: {{kind: {'a' * 5000}}}}}}}}}")
    assert "judge.model: kind = 'aaa" in message
    assert len(message) < 500
