"""The config refuses what it cannot mean, in one line that names key, value and remedy."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.base.errors import PipelineError
from pipeline.base.labels import (
    REPLICAS_PATTERN,
    Replica,
    parse_replicas,
    parse_setting,
    replica_label,
)
from pipeline.config.grid import cells
from pipeline.config.load import load_config, load_configs
from pipeline.config.write_schema import SCHEMA_PATH, schema_text
from pipeline.documents.config_keys import config_keys, config_table
from pipeline.documents.origins import ORIGINS, origins
from pipeline.run.disk import describe_disk

ROOT = Path(__file__).parents[2]
PRESETS = ROOT / "workflow/presets"
GRAMMAR = {"v": 16, "m": 4, "s": 2, "L": 3, "dataset_sizes": [32, "online"]}
SMALL = GRAMMAR | {"v": 10, "m": 3, "dataset_sizes": [32]}
ZIPF = {"kind": "zipf", "level": 1, "exponent": 1.0}
STUDY = {"preset": "study_zipf"}


def load(**overrides):
    return load_config(ROOT / "config.yaml", PRESETS, overrides)


def rhm(section, **values):
    return {"domains": {"rhm": {section: values}}}


def text(section, **values):
    return {"domains": {"text": {section: values}}}


def image(section, **values):
    return {"domains": {"image": {section: values}}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"runn": "x"}, r"runn = 'x': there is no such key; did you mean 'run'"),
        (
            rhm("noise", levls=10),
            r"rhm\.noise\.levls = 10: there is no such key; did you mean 'noise_levels'",
        ),
        (rhm("noise", noise_levels="many"), r"rhm\.noise\.noise_levels = 'many': .* valid integer"),
        (
            rhm("noise", process="gaussian"),
            r"noise\.process = 'gaussian': .*'uniform'.*'absorbing'",
        ),
        (
            rhm("training", optimizer={"momentum": 1.0}),
            r"training\.optimizer\.momentum = 1\.0: .*less than 1",
        ),
        (
            rhm("training", optimizer={"beta1": 0.9}),
            r"training\.optimizer\.beta1 = 0\.9: there is no such key; keys are kind, momentum",
        ),
        (
            rhm("training", optimizer={"kind": "adam", "beta1": 0.9}),
            r"training\.optimizer\.beta2 is missing",
        ),
        (rhm("training", trajectories=0), r"training\.trajectories = 0: .*greater than 0"),
        (
            rhm("noise", schedule={"last": 1.5}),
            r"schedule\.last = 1\.5: .*less than 1",
        ),
        (rhm("noise", schedule={"first": 0.0}), r"schedule\.first = 0\.0: .*greater than 0"),
        (
            rhm("noise", schedule={"first": 0.1}),
            r"schedule: first = 0\.1 must be below last = 0\.02",
        ),
        (
            rhm("noise", noise_levels=200),
            r"noise_levels = 200 with .*\.last = 0\.02 leave alpha_bar_T = 0\.13 .* choose more",
        ),
        (
            rhm("training", loss="cross_entropy"),
            r"loss = 'cross_entropy' teaches posteriors, but noise\.mixture = 'd3pm' is right for "
            r"cavity marginals only; choose noise\.mixture = 'exact', or",
        ),
        (rhm("training", loss="hybrid"), r"loss = 'hybrid' teaches posteriors, but noise\.mixture"),
        (
            rhm("grid", grammars=[GRAMMAR | {"dataset_sizes": ["online"]}]),
            r"dataset_sizes of the first grammar must have a number",
        ),
        (
            rhm("grid", grammars=[{"v": 4, "m": 2, "s": 2, "L": 10, "dataset_sizes": [4]}]),
            r"v = 4, m = 2, s = 2 and L = 10 give more than 1e308 strings",
        ),
        (rhm("grid", grammars=[GRAMMAR | {"m": 17}]), r"m = 17 must be at most v\*\*\(s-1\) = 16"),
        (
            rhm("grid", grammars=[GRAMMAR | {"dataset_sizes": [250000]}]),
            r"v16_m4_s2_L3: .* = 266384 exceeds P_max = 262144",
        ),
        (
            rhm("grid", grammars=[GRAMMAR | {"dataset_sizes": [64, 32]}]),
            r"dataset_sizes = \[64, 32\]: must increase",
        ),
        (
            rhm("theory", grammars=[GRAMMAR]),
            r"rhm\.theory: grammars v16_m4_s2_L3: dataset_sizes must be numbers, not 'online'",
        ),
        (
            rhm("theory", grammars=[GRAMMAR | {"L": 1, "dataset_sizes": [4]}]),
            r"theory: grammars v16_m4_s2_L1: L = 1 must be at least 2",
        ),
        (
            rhm("theory", grammars=[GRAMMAR | {"dataset_sizes": [250000]}]),
            r"theory\.grammars v16_m4_s2_L3: .* = 266384 exceeds P_max = 262144",
        ),
        (
            rhm("theory", grammars=[GRAMMAR | {"dataset_sizes": [32]}] * 2),
            r"theory\.grammars: .* must not repeat a grammar",
        ),
        (
            rhm("grid", grammars=[SMALL | {"m": 10, "L": 2}], rule_frequencies=ZIPF | {"level": 3})
            | STUDY,
            r"grid\.rule_frequencies\.level = 3 must be at most L = 2 of grid\.grammars v10_m10_s2",
        ),
        (
            rhm("grid", grammars=[SMALL], rule_frequencies={"fewest": 4})
            | {"preset": "study_uneven"},
            r"grid\.rule_frequencies\.fewest = 4 must be at most m = 3 of grid\.grammars v10_m3",
        ),
        (
            rhm("grid", grammars=[SMALL | {"dataset_sizes": [9, "online"]}]) | STUDY,
            r"grid\.grammars v10_m3_s2_L3: dataset_sizes must be numbers, not 'online', as "
            r"grid\.rule_frequencies\.kind = 'zipf' has no order of all strings",
        ),
        (
            rhm("grid", grammars=[SMALL | {"dataset_sizes": [8192]}]) | STUDY,
            r"v10_m3_s2_L3: .* = 8704 exceeds 75\d\d, the strings that grammar seed 0 gives in "
            r"fair time with grid\.rule_frequencies\.kind = 'zipf'; choose smaller sizes",
        ),
        (
            rhm("theory", grammars=[SMALL | {"dataset_sizes": [8192]}]) | STUDY,
            r"theory\.grammars v10_m3_s2_L3: .* = 8704 exceeds 75\d\d, the strings that grammar",
        ),
        (
            rhm("grid", rule_frequencies=ZIPF | {"exponent": 0.0}) | STUDY,
            r"rule_frequencies\.exponent = 0\.0: must be greater than 0",
        ),
        (
            rhm("grid", rule_frequencies={"kind": "zipff"}),
            r"rule_frequencies: kind = 'zipff' must be .*; did you mean 'zipf'\?",
        ),
        (rhm("grid", data_seeds=[0, 0]), r"grid\.data_seeds = \[0, 0\]: must not repeat"),
        (rhm("grid", network_seeds=[]), r"grid\.network_seeds = \[\]: .*at least 1 item"),
        (rhm("training", checkpoints=[20, 10]), r"checkpoints = \[20, 10\]: must increase"),
        (
            rhm("training", checkpoints=[10, 999999]),
            r"checkpoints: 999999 is beyond the end, steps = 131072",
        ),
        (
            rhm("sampling", averages=[0.9]),
            r"averages: 0\.9 must be one of training\.average_decays",
        ),
        (
            text("sampling", averages=[None, 0.9]) | {"preset": "demo"},
            r"averages: 0\.9 must be one of",
        ),
        ({"departures": {"last_checkpoint": {}}}, r"departures: 'last_checkpoint' is taken"),
        (
            rhm("sampling", steps=2000),
            r"sampling\.steps = 2000 must be at most noise\.noise_levels",
        ),
        (
            {"claims": {"agreeing_seeds": 21}},
            r"claims: agreeing_seeds = 21 must be at most bootstrap_seeds = 20",
        ),
        ({"claims": {"margin": 0.0}}, r"claims\.margin = 0\.0: .*greater than 0"),
        ({"claims": {"creativity": 1.0}}, r"claims\.creativity = 1\.0: .*less than 1"),
        (rhm("analysis", converged=0.5), r"analysis\.converged = 0\.5: .*greater than 0\.5"),
        (text("measurement", real_copies=0.5), r"real_copies = 0\.5: .*less than 0\.5"),
        (
            {"preset": "demoo"},
            r"preset: 'demoo' is unknown; choose one of choices, demo, quick, released, smoke",
        ),
        ({"figures": ["rhm_acuracy"]}, r"figures\.0 = 'rhm_acuracy': .*did you mean 'rhm_"),
        (text("network", heads=5), r"text\.network: width = 768 must be an even multiple of heads"),
        (text("training", checkpoints=[999999]), r"checkpoints: 999999 is beyond the end"),
        (
            text("training", cosine_steps=1000),
            r"cosine_steps = 1000 must be at least steps = 135000",
        ),
        (text("sampling", averages=[0.5]), r"sampling\.averages: 0\.5 must be one of"),
        (text("grid", replicas_per_job=2), r"grid: replicas_per_job = 2 must be 1"),
        (text("measurement", distances=[1, 1024]), r"must be below, .* data\.context = 1024"),
        (
            text("measurement", jackknife_blocks=2000),
            r"measurement\.jackknife_blocks = 2000 must be at most",
        ),
        (text("judge", texts=4096), r"judge\.texts = 4096 must be at most sampling\.samples"),
        (text("data", tokenizer={"kind": "characters", "alphabet": "aba "}), r"nothing twice"),
        (text("data", tokenizer={"kind": "words"}), r"text\.data\.tokenizer.*'words'"),
        (
            text("data", source={"kind": "hub", "revision": "main"}),
            r"source\.revision = 'main'",
        ),
        (
            {
                "domains": {
                    "image": {"data": {"size": 60}, "measurement": {"block_lengths": [1, 2]}}
                }
            },
            r"data\.size = 60 must be halved 3 times .* among \[60, 30, 15, 7\]",
        ),
        (image("network", attention=[32, 4]), r"network\.attention = \[32, 4\] be among \[64"),
        (image("network", groups=48), r"width = 128 must be even and a multiple of groups = 48"),
        (image("network", heads=3), r"even and a multiple .* of heads = 3"),
        (
            image("measurement", block_lengths=[2, 3]),
            r"block_lengths: 3 does not divide data\.size",
        ),
        (
            image("measurement", jackknife_blocks=2049),
            r"measurement\.jackknife_blocks = 2049 must be at most",
        ),
        (
            image("sampling", steps=5000),
            r"sampling\.steps = 5000 must be at most noise\.noise_levels = 4000",
        ),
        (image("sampling", averages=[0.5]), r"image: sampling\.averages: 0\.5 must be one of"),
        (image("encoder", map_layers=[9]), r"encoder: map_layers = \[9\] must be among layers"),
        (image("data", name="Image Net"), r"image\.data\.name = 'Image Net': .*match pattern"),
        ({"run": "../x"}, r"run = '\.\./x': .*match pattern"),
    ],
)
def test_a_bad_value_gives_one_line_with_key_value_and_remedy(overrides, message):
    with pytest.raises(PipelineError, match=message) as caught:
        load(**overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"run: [", b"\xff\xfe\x00", b"- 1\n", b""])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(PipelineError, match=re.escape(str(path))) as caught:
        load_config(path, PRESETS, {})
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(tmp_path):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    del content["domains"]["rhm"]["training"]["trajectories"]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(PipelineError, match=r"domains\.rhm\.training\.trajectories is missing"):
        load_config(path, PRESETS, {})


@pytest.mark.parametrize("preset", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_a_preset_is_valid_and_writes_to_a_run_of_its_own(preset):
    assert load(preset=preset).run == preset


def test_a_preset_may_be_based_on_another():
    demo, study = load(preset="demo"), load(preset="study_text")
    assert study.domains.text.data == demo.domains.text.data
    assert study.domains.text.grid.dataset_sizes[-1] == 65536


def test_a_preset_that_is_based_on_itself_is_refused(tmp_path):
    (tmp_path / "one.yaml").write_text("preset: other\n")
    (tmp_path / "other.yaml").write_text("preset: one\n")
    with pytest.raises(PipelineError, match="preset: 'one' is based on itself"):
        load_config(ROOT / "config.yaml", tmp_path, {"preset": "one"})


def test_values_of_the_command_line_override_the_preset():
    config = load(preset="smoke", run="mine", **rhm("network", width=8))
    assert (config.run, config.domains.rhm.network.width) == ("mine", 8)
    assert config.domains.rhm.training.steps == load(preset="smoke").domains.rhm.training.steps


def test_the_schema_on_disk_is_that_of_the_types():
    assert SCHEMA_PATH.read_text() == schema_text(), "run `make schema`"


def test_every_key_is_in_the_documented_table_with_its_value():
    documented = (ROOT / "docs/config.md").read_text()
    assert config_table() in documented, "run `make schema`"
    found = {key.name: key for key in config_keys()}
    assert found["domains.rhm.network.width"].value == "`8192`"
    assert found["domains.rhm.grid.grammars[].dataset_sizes"].allowed.endswith(" or online")
    assert found["domains.rhm.training.optimizer.beta1"].value == "", "of another kind"
    assert all(key.meaning for key in found.values())


def test_every_value_has_an_origin():
    """A comment behind its key in config.yaml, or behind that of a section that it is in."""
    found = config_keys()
    assert [key.name for key in found if bool(key.value) != (key.origin in ORIGINS)] == []


def test_an_origin_holds_for_all_keys_below_without_one(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        "a:  # ours\n  b: {c: 1, d: {}}  # paper\n  e: '# paper'\nf: [1]  # papper\n"
        "g:  # recalled\n  - {h: 1}\n"
    )
    said = {"a.b.c": "paper", "a.b.d": "paper", "a.e": "ours", "f": "", "g[].h": "recalled"}
    assert origins(path) == said


def test_the_page_of_choices_says_of_keys_what_the_config_says():
    rows = re.findall(r"^\| .* \|$", (ROOT / "docs/choices.md").read_text(), re.MULTILINE)
    known = {key.name: key.origin for key in config_keys() if key.value}
    cells = [row.strip("| ").split(" | ") for row in rows]
    told = {
        name: whose
        for _, keys, whose, *_ in (row for row in cells if len(row) >= 3)
        for key in re.findall(r"`([^`]+)`", keys)
        if (name := f"domains.rhm.{key}") in known
    }
    assert len(told) > 15
    assert {name: known[name].split()[0] for name in told} == told


def test_every_key_is_described():
    schema = load().model_json_schema()
    objects = [schema, *schema["$defs"].values()]
    properties = [(name, p) for o in objects for name, p in o.get("properties", {}).items()]
    assert [name for name, p in properties if "description" not in p] == []


def test_cells_are_the_product_of_grammars_sizes_and_groups_of_replicas():
    found = cells(load(preset="smoke", **rhm("grid", grammar_seeds=[0, 1, 2])).domains.rhm, [])
    assert len(found) == 4 * 2
    assert [cell.replicas for cell in found[:2]] == ["g0d0n0+g1d0n0", "g2d0n0"]


def test_replicas_are_the_product_of_grammar_data_and_network_seeds():
    seeds = {"grammar_seeds": [0, 3], "data_seeds": [0, 1], "network_seeds": [0, 2]}
    found = cells(load(preset="smoke", **rhm("grid", **seeds, replicas_per_job=4)).domains.rhm, [])
    assert [cell.replicas for cell in found[:2]] == [
        "g0d0n0+g0d0n2+g0d1n0+g0d1n2",
        "g3d0n0+g3d0n2+g3d1n0+g3d1n2",
    ]


def test_labels_read_back():
    replicas = [Replica(3, 14, 15), Replica(0, 2, 1)]
    label = replica_label(replicas)
    assert label == "g3d14n15+g0d2n1"
    assert parse_replicas(label) == replicas
    without_grammar = [Replica(None, 3, 4)]
    assert (replica_label(without_grammar), parse_replicas("d3n4")) == ("d3n4", without_grammar)
    assert all(re.fullmatch(REPLICAS_PATTERN, name) for name in (label, "d3n4"))
    assert parse_setting("v16_m4_s2_L3") == {"v": 16, "m": 4, "s": 2, "L": 3}
    assert parse_setting("gpt2_context1024") == {"setting": "gpt2_context1024"}


@pytest.mark.parametrize("label", ["g0d0n0+d0", "", "g0d0n0,g1d0n0", "g0d0n0+"])
def test_a_label_that_names_something_else_is_refused(label):
    with pytest.raises(PipelineError, match=r"names no replica; write g0d0n0, or d0n0") as error:
        parse_replicas(label)
    assert repr(label) in str(error.value)
    assert "\n" not in str(error.value)


def disk(config):
    names = ("rhm", "text", "image")
    return describe_disk(config, {name: cells(config.domain(name), []) for name in names}, jobs=64)


def test_the_disk_of_a_run_is_stated():
    rhm_line, text_line, image_line = disk(load())
    assert "deleted once sampled" in rhm_line
    assert "text: checkpoints of 1 trajectories x 10 steps: 21.2 GB in all, kept; " in text_line
    assert "samples 0.0419 GB" in text_line
    assert "image: checkpoints of 3 trajectories x 11 steps: 90.1 GB in all, kept" in image_line
    kept = rhm("training", keep_checkpoints=True)
    assert "in all, kept" in disk(load(**kept))[0]


def departing(**departures):
    overrides = {"preset": "smoke", "departures": departures}
    return load_configs(ROOT / "config.yaml", PRESETS, overrides)


def test_departures_are_the_run_with_their_settings_changed():
    runs = departing(exact={"noise": {"mixture": "exact"}})
    assert list(runs) == ["smoke", "smoke_exact"]
    base, exact = (config.plain() for config in runs.values())
    assert base["domains"]["rhm"]["noise"].pop("mixture") == "d3pm"
    assert exact["domains"]["rhm"]["noise"].pop("mixture") == "exact"
    assert base["domains"]["rhm"] == exact["domains"]["rhm"]
    assert [exact["domains"][name]["enabled"] for name in ("text", "image")] == [False, False]
    assert exact["figures"] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {}}, r"departures\.other\.grid = 'grid': .*'noise', 'network', 'training'"),
        (
            {"noise": {"levls": 3}},
            r"departures\.other: domains\.rhm\.noise\.levls = 3: there is no such key",
        ),
        (
            {"training": {"loss": "hybrid"}},
            r"departures\.other: domains\.rhm: training\.loss = 'hybrid' teaches posteriors",
        ),
        (
            {"training": {"checkpoints": [10]}},
            r"departures\.other\.training\.checkpoints = \[10\] must be that of the run",
        ),
    ],
)
def test_a_departure_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(PipelineError, match=message) as caught:
        departing(other=changes)
    assert "\n" not in str(caught.value)


def test_figures_that_there_is_nothing_for_are_left_out_and_told():
    rhm_alone = {"domains": {"text": {"enabled": False}, "image": {"enabled": False}}}
    names = ["rhm_choices", "rhm_loss_curves", "text_samples", "text_window_loss"]
    config = load(preset="smoke", figures=[*names, "image_power_spectrum"], **rhm_alone)
    assert config.shown_figures == ["rhm_loss_curves"]
    assert config.left_out == [
        "left out: rhm_choices, as departures has none to compare",
        "left out: text_samples, text_window_loss, as domains.text.enabled is false",
        "left out: image_power_spectrum, as domains.image.enabled is false",
    ]
    sizes = {"grammars": [{"v": 4, "m": 2, "s": 2, "L": 2, "dataset_sizes": [4, 8]}]}
    offline = load(
        preset="smoke", figures=["rhm_accuracy_vs_training_step"], **rhm("grid", **sizes)
    )
    (told,) = offline.left_out
    assert told.endswith("'online' is not in domains.rhm.grid.grammars.0.dataset_sizes")
