"""Files and specs that rules ask for, from the config, a job's place, and what is on disk."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.base.errors import PipelineError
from pipeline.config.load import load_configs
from pipeline.run.job_specs import JobSpecs
from pipeline.run.plan import Plan
from pipeline.run.present import Present
from pipeline.stages.catalogue import CELL_TABLES

ROOT = Path(__file__).parents[2]
RHM, TEXT, IMAGE = "v4_m2_s2_L2", "characters28_context16", "generated_8px"
REPLICAS = {"rhm": "g0d0n0+g1d0n0", "text": "d0n0", "image": "d0n0"}
SETTINGS = {"rhm": RHM, "text": TEXT, "image": IMAGE}
DEPARTURES = {"narrow": {"network": {"width": 8}}, "wide": {"network": {"width": 32}}}


class Asked(SimpleNamespace):
    """A run of the smoke preset: its files, its specs, and what there is of it."""


def asked(results="results", checkout="", **overrides):
    overrides = {"preset": "smoke", "run": "x", **overrides}
    configs = load_configs(ROOT / "config.yaml", ROOT / "workflow/presets", overrides)
    present = Present(configs, Path(results))
    plan = Plan(configs, present, Path.cwd() / checkout)
    return Asked(present=present, plan=plan, specs=JobSpecs(configs, present))


def place(domain="rhm", size="8", **more):
    common = {"run": "x", "domain": domain, "setting": SETTINGS[domain], "dataset_size": size}
    return SimpleNamespace(**{**common, "replicas": REPLICAS[domain], **more})


def finish(domain, *sizes, run="x", tables=None, results="results"):
    for size in sizes:
        cell = Path(f"{results}/{run}/{domain}/{SETTINGS[domain]}/P{size}/{REPLICAS[domain]}")
        cell.mkdir(parents=True, exist_ok=True)
        for table in CELL_TABLES[domain] if tables is None else tables:
            (cell / f"{table}.parquet").touch()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_replica_has_its_own_grammar_and_all_share_a_corpus():
    plan = asked().plan
    home = f"results/x/rhm/{RHM}"
    grammars = [f"{home}/grammar_g0.safetensors", f"{home}/grammar_g1.safetensors"]
    assert plan.sources(place()) == plan.references(place()) == grammars
    assert plan.grammars("grid")(place()) == grammars
    corpus = f"results/x/text/{TEXT}/corpus.safetensors"
    assert plan.sources(place("text", replicas="d0n0+d0n1")) == [corpus, corpus]


def test_of_images_features_are_measured_and_compared_with_those_of_real_ones():
    plan, home = asked().plan, f"results/x/image/{IMAGE}"
    features = f"{home}/P8/d0n0/features/step5.safetensors"
    assert plan.sources(place("image")) == [f"{home}/images.safetensors"]
    assert plan.references(place("image")) == [f"{home}/control_features/reference.safetensors"]
    assert plan.measured(place("image"))[0] == features
    assert plan.measured(place("text"))[0].endswith("P8/d0n0/samples/step10.safetensors")


@pytest.mark.parametrize(
    ("domain", "size", "name"),
    [
        ("rhm", "8", "dataset"),
        ("rhm", "online", "dataset"),
        ("text", "8", "dataset"),
        ("text", "online", None),
        ("image", "8", "training_features"),
        ("image", "online", None),
    ],
)
def test_samples_may_be_copies_of_data_that_are_seen_again(domain, size, name):
    cell = f"results/x/{domain}/{SETTINGS[domain]}/P{size}/{REPLICAS[domain]}"
    expected = [] if name is None else [f"{cell}/{name}.safetensors"]
    assert asked().plan.training_data(place(domain, size)) == expected


def test_controls_are_of_the_domain_and_of_every_length_of_blocks():
    plan = asked().plan
    names = [Path(path).stem for path in plan.controls("image", "control_features")]
    assert names == ["reference", "real", "noise", "blocks1", "blocks2", "blocks4"]
    measured = plan.measured_controls(place("image"))
    assert [Path(path).stem for path in measured] == names[1:]
    assert {Path(path).parent.name for path in measured} == {"control_features"}
    assert {Path(p).parent.name for p in plan.measured_controls(place("text"))} == {"controls"}
    (reference,) = plan.control_references(place("text"))
    assert reference == f"results/x/text/{TEXT}/corpus.safetensors"


def test_paths_of_a_rule_are_patterns():
    first, *_ = asked().plan.steps("rhm", "samples")
    cell = "results/{run}/{domain}/{setting}/P{dataset_size}/{replicas}"
    assert first == f"{cell}/samples/step10.safetensors"


def test_a_table_of_a_setting_is_of_all_its_cells():
    plan = asked().plan
    files = plan.cell_tables(place(table="losses"))
    assert [Path(path).parts[-3] for path in files] == ["P4", "P8", "P16", "Ponline"]
    ceilings = [f"results/x/rhm/{RHM}/tables/ceilings.parquet"]
    assert plan.tables_beside(place(table="measurements")) == ceilings
    assert plan.tables_beside(place(table="losses")) == []
    assert plan.tables_beside(place("text", table="measurements")) == []


def test_theory_has_settings_of_its_own():
    grammars = [{"v": 5, "m": 2, "s": 2, "L": 2, "dataset_sizes": [4]}]
    plan = asked(domains={"rhm": {"theory": {"grammars": grammars}}}).plan
    theory, losses = (plan.setting_tables(place(table=name)) for name in ("theory", "losses"))
    assert theory == ["results/x/rhm/v5_m2_s2_L2/tables/theory.parquet"]
    assert losses == [f"results/x/rhm/{RHM}/tables/losses.parquet"]


def test_a_figure_shows_the_first_setting_or_compares_all():
    plan = asked().plan
    assert plan.figure_tables("rhm_samples") == [f"results/{{run}}/rhm/{RHM}/tables/trees.parquet"]
    assert plan.figure_tables("rhm_released_run") == [
        "results/{run}/tables/rhm_measurements.parquet",
        "results/{run}/tables/rhm_losses.parquet",
        "workflow/references/rhm_released_code.parquet",
    ]
    figures = plan.domain_figures("text")
    assert set(figures) < set(plan.figures())
    assert all(path.startswith("results/x/figures/text_") for path in figures)


def test_a_partial_run_does_without_what_is_not_finished():
    finish("rhm", "4", "16")
    finish("rhm", "8", tables=["losses"])
    run = asked(partial=True)
    files = run.plan.cell_tables(place(table="losses"))
    assert [Path(path).parts[-3] for path in files] == ["P4", "P16"]
    missing = [f"{RHM}/P{size}/{REPLICAS['rhm']}" for size in ("8", "online")]
    spec = json.loads(run.specs.of_stage("aggregate")(place(table="losses")))
    assert spec["settings"]["missing"] == missing
    drawn = json.loads(run.specs.of_figure("rhm_loss_curves")(place()))
    assert drawn["settings"]["missing"] == missing
    assert run.present.domains() == ["rhm"]
    with pytest.raises(PipelineError, match="partial: no cell of text is finished"):
        run.plan.domain_figures("text")


def test_a_partial_run_says_which_tables_its_cells_wait_for():
    """As they do where figures were drawn that need no probes."""
    finish("rhm", "4", "8", tables=["losses", "measurements"])
    finish("text", "online", tables=["losses"])
    with pytest.raises(PipelineError) as refused:
        asked(partial=True).plan.tables()
    rhm, text, image = str(refused.value).partition("finished: ")[2].split("; ")
    expected = "as none has trees.parquet, probes.parquet, which a run without partial makes"
    assert rhm == f"no cell of rhm is finished, {expected}"
    assert "judgements.parquet" in text
    assert image == "no cell of image is finished"


def test_what_is_there_is_looked_at_once():
    run = asked(partial=True)
    for _ in range(2):
        with pytest.raises(PipelineError, match="partial: no cell of results/x is finished"):
            run.plan.tables()
        finish("rhm", "4")
    assert asked(partial=True).present.domains() == ["rhm"]


def test_what_an_import_has_made_is_looked_for_below_its_prefix():
    finish("rhm", "4", results="theirs/results")
    finish("text", "online")
    assert asked("theirs/results", partial=True).present.domains() == ["rhm"]
    before = Path(f"theirs/results/x/rhm/{RHM}/P8/g1d0n0/losses.parquet")
    before.parent.mkdir(parents=True)
    before.touch()
    cells = asked("theirs/results").present.cells_of("x", "rhm", RHM)
    assert {cell.replicas for cell in cells if cell.dataset_size == "8"} == {"g0d0n0", "g1d0n0"}


def test_other_peoples_numbers_are_those_of_the_checkout(tmp_path):
    *_, reference = asked(checkout="clone").plan.figure_tables("rhm_released_run")
    assert reference == str(tmp_path / "clone/workflow/references/rhm_released_code.parquet")


def test_departures_are_compared_as_far_as_they_are_finished():
    finish("rhm", "4")
    finish("rhm", "4", run="x_wide", tables=["measurements", "losses"])
    run = asked(departures=DEPARTURES, partial=True)
    tables = run.plan.departure_tables("losses")
    assert tables == [f"results/{name}/tables/rhm_losses.parquet" for name in ("x", "x_wide")]
    settings = json.loads(run.specs.of_departures(place()))["settings"]
    assert settings["names"] == ["wide"]
    assert sum(label.startswith("narrow: ") for label in settings["missing"]) == 4
    whole = asked(departures=DEPARTURES)
    assert len(whole.plan.departure_tables("losses")) == 3


def test_verdicts_are_on_the_claims_of_every_domain_of_the_run():
    run = asked(domains={"image": {"enabled": False}}, figures=["rhm_loss_curves"])
    assert [Path(path).stem for path in run.plan.claims()] == ["rhm_claims", "text_claims"]
    spec = json.loads(run.specs.of_verdicts(place()))
    assert (spec["stage"], spec["settings"]) == ("verdicts", {"missing": []})


def test_a_spec_has_the_settings_of_its_stage_and_run():
    run = asked(departures=DEPARTURES)
    widths = {
        name: json.loads(run.specs.of_stage("train")(place(run=name)))["settings"]["network"]
        for name in ("x", "x_narrow", "x_wide")
    }
    assert [network["width"] for network in widths.values()] == [16, 8, 32]
