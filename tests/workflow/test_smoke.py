"""The real workflow, end to end, on a tiny grammar."""

import json
import re
import subprocess
import sys
from collections import Counter

import pandas as pd
import pyarrow.parquet as pq

from pipeline.artifacts.tables import read_table_stamp
from pipeline.artifacts.tensors import read_stamp
from pipeline.base.columns import COLUMNS
from pipeline.claims.claims import CLAIMS
from pipeline.claims.verdict import VERDICTS
from pipeline.stages.catalogue import COMPARISONS, TABLES
from pipeline.stages.domains import EVERY_DOMAIN
from tests.unit.test_quantities import unexplained
from tests.workflow.checkout import DRAWN, SMOKE, Checkout

CELLS = 4
CONTROLS = ("calibration", "control_judgements")
CELL = "results/smoke/rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0"


def test_every_figure_is_drawn_as_pdf_and_png(smoke_run):
    directory = smoke_run.path / "results/smoke/figures"
    expected = {f"{name}.{kind}" for name in DRAWN for kind in ("pdf", "png")}
    assert {path.name for path in directory.iterdir()} == expected
    assert all(path.stat().st_size > 5000 for path in directory.iterdir())


def test_a_second_run_has_nothing_to_do(smoke_run):
    assert smoke_run.stale() == Counter()


def test_progress_and_disk_are_shown(smoke_run):
    assert "disk for rhm: checkpoints of 4 trajectories x 3 steps" in smoke_run.log
    for name in EVERY_DOMAIN[1:]:
        assert f"disk for {name}: checkpoints of 1 trajectories x 3 steps" in smoke_run.log
    jobs, *_ = re.findall(r"^total +(\d+)$", smoke_run.log, re.M)
    assert re.search(rf"^grid: \d+ of {jobs} jobs done, \d+ left; started: ", smoke_run.log, re.M)
    assert len(re.findall(r"^done:   train v4_m2_s2_L2/P\w+/g0d0n0", smoke_run.log, re.M)) == CELLS
    for said_by_snakemake in ("Finished jobid", "Jobs to run: ", "Select jobs to execute"):
        assert said_by_snakemake not in smoke_run.log
    assert " left" in smoke_run.log


def test_tables_say_what_their_columns_mean_and_what_made_them(smoke_run):
    names = [f"{name}_{t}" for name in EVERY_DOMAIN for t in (*TABLES[name], *COMPARISONS[name])]
    for name in names:
        path = smoke_run.path / f"results/smoke/tables/{name}.parquet"
        for field in pq.read_schema(path):
            assert field.metadata[b"description"].decode() == COLUMNS[field.name].meaning
        assert read_table_stamp(path)["spec"]["code"]


def test_every_quantity_and_value_of_a_run_is_explained(smoke_run):
    tables = [*(smoke_run.path / "results/smoke/tables").glob("*.parquet")]
    assert len(tables) > 20
    assert list(unexplained(tables)) == []


def test_every_claim_has_a_verdict(smoke_run):
    path = smoke_run.path / "results/smoke/tables/claims.parquet"
    claims = pd.read_parquet(path)
    of_text = smoke_run.path / "results/smoke/tables/text_claims.parquet"
    assert read_table_stamp(of_text)["spec"]["settings"]["margin"] == 0.25
    assert set(claims["verdict"]) <= set(VERDICTS)
    pooled = claims[claims["setting"].isna()]
    assert len(pooled) == len(CLAIMS)
    data = pooled[(pooled["claim"] == "coherence with data") & (pooled["domain"] != "rhm")]
    assert set(data["verdict"]) == {"not run"}, "they have a single dataset size"


def test_measurements_hold_one_row_per_replica_step_and_estimate(smoke_run):
    frame = pd.read_parquet(smoke_run.path / "results/smoke/tables/rhm_measurements.parquet")
    identity = [c for c in frame.columns if c not in ("estimate", "standard_error", "count")]
    assert not frame.duplicated(identity).any()
    cells = frame.groupby(["dataset_size", "grammar_seed", "step"]).ngroups
    assert cells == CELLS * 2 * 3
    accuracies = frame[frame["quantity"].str.endswith("_accuracy")].dropna(subset="estimate")
    assert accuracies["estimate"].between(0, 1).all()


def test_the_same_seeds_give_the_same_tables(smoke_run, tmp_path):
    again = Checkout.of_sources(tmp_path / "again")
    target = f"{CELL}/measurements.parquet"
    assert again.snakemake(*SMOKE, target).returncode == 0
    one, other = (pd.read_parquet(run.path / target) for run in (smoke_run, again))
    pd.testing.assert_frame_equal(one, other)


def test_one_figure_needs_only_its_own_inputs(tmp_path):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    counts = checkout.stale("results/smoke/figures/rhm_loss_curves.pdf")
    figures = {rule for rule in counts if rule in DRAWN}
    assert figures == {"rhm_loss_curves"}
    assert "analyse" not in counts


def test_a_truncated_artifact_is_refused_by_name_with_the_remedy(smoke_run, tmp_path):
    checkout = smoke_run.copy(tmp_path / "checkout")
    samples = checkout.path / CELL / "samples/step20.safetensors"
    samples.write_bytes(samples.read_bytes()[:-100])
    result = checkout.snakemake(*SMOKE, f"{CELL}/measurements.parquet", "--forcerun", "measure")
    assert result.returncode != 0
    log = (checkout.path / CELL / "logs/measure.log").read_text()
    assert log.startswith("error: ")
    assert log.count("\n") == 1
    assert "samples/step20.safetensors cannot be read" in log
    remedy = re.search(r"rebuild it with: snakemake (\S+ --forcerun \S+) ", log)[1].split()
    assert checkout.snakemake(*SMOKE, *remedy).returncode == 0
    assert checkout.snakemake(*SMOKE, f"{CELL}/measurements.parquet").returncode == 0


def test_sources_edited_after_planning_are_noticed(smoke_run):
    spec = {"stage": "grammar", "domain": "rhm", "settings": {}, "code": "older"}
    command = [sys.executable, "-m", "pipeline", "grammar", "--output", "x"]
    result = subprocess.run(
        [*command, "--spec", json.dumps(spec)],
        cwd=smoke_run.path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    expected = "error: grammar: sources changed after the workflow was planned; run snakemake again"
    assert result.stderr.strip() == expected


def test_text_has_numbers_at_every_checkpoint_and_for_every_control(smoke_run):
    tables = smoke_run.path / "results/smoke/tables"
    measured = pd.read_parquet(tables / "text_measurements.parquet")
    judged = pd.read_parquet(tables / "text_judgements.parquet")
    texts = pd.read_parquet(tables / "text_texts.parquet")
    assert {*measured["step"]} == {*judged["step"]} == {*texts["step"]} == {10, 20, 40}
    assert {"equivalent_block_length", "sample_entropy"} <= set(measured["quantity"])
    assert not texts["text"].str.contains("[^a-z \n]").any()
    controls = [pd.read_parquet(tables / f"text_{name}.parquet") for name in CONTROLS]
    for table in controls:
        assert sorted(table["block_length"].dropna().unique()) == [1, 2, 4, 8]
        assert table["block_length"].isna().any()
    whole = judged[(judged["quantity"] == "judge_loss") & judged["context"].isna()]
    assert (abs(whole["estimate"] - 5.55) < 0.05).all(), "random weights: ln 257 per token"


def test_images_have_numbers_at_every_checkpoint_and_for_every_control(smoke_run):
    tables = smoke_run.path / "results/smoke/tables"
    names = ("measurements", "calibration", "convergence", "pictures")
    measured, controls, times, pictures = (
        pd.read_parquet(tables / f"image_{name}.parquet") for name in names
    )
    assert {*measured["step"]} == {*pictures["step"]} == {5, 10, 20}
    assert {*controls["control"]} == {"real", "noise", "blocks"}
    assert {*controls["block_length"].dropna()} == {1, 2, 4}
    for frame in (measured, controls):
        distances = frame[frame["quantity"] == "mmd"]
        assert {*distances["layer"]} == {0, 1, 2}
        assert {*distances["kernel"]} == {"gaussian", "energy", "cubic"}
        assert {"frechet", "power", "feature_correlation", "correlation_ratio"} <= {
            *frame["quantity"]
        }
    assert {*times["fraction"]} == {0.5, 0.3, 0.1}
    assert pictures["png"].map(lambda png: png.startswith(b"\x89PNG")).all()


def test_the_stamp_of_images_says_which_they_are(smoke_run):
    path = smoke_run.path / "results/smoke/image/generated_8px/images.safetensors"
    facts = read_stamp(path, "images")["images"]
    assert facts["description"] == "a disc or a square on a shaded background"
    assert (facts["size"], facts["count"], facts["skipped"]) == (8, 500, [])
