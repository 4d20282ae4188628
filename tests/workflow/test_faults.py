"""What a cluster's storage and a diverging network do to a run, and what is left of it."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import read_tensors, write_tensors
from tests.faults.inject import environment
from tests.workflow.checkout import DRAWN, SMOKE, Checkout
from tests.workflow.checkout import GRID as GRID_ALONE

GRID = "results/smoke/rhm/v4_m2_s2_L2"
RHM_FIGURES = [name for name, source in DRAWN.items() if source.domain == "rhm"]
CELL = f"{GRID}/P8/g0d0n0+g1d0n0"
MEASURED = f"{CELL}/measurements.parquet"


def assert_same_tables(one: Path, other: Path) -> None:
    frames = [pd.read_parquet(path) for path in (one, other)]
    pd.testing.assert_frame_equal(
        *(frame.drop(columns="steps_per_second", errors="ignore") for frame in frames)
    )


def test_a_second_snakemake_is_refused_at_once(tmp_path):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    slow = environment("pace:1", tmp_path / "faults")
    first = checkout.start(*SMOKE, MEASURED, **slow)
    while not list(checkout.path.glob(".snakemake/locks/*")):
        assert first.poll() is None
    second = checkout.snakemake(*SMOKE, MEASURED)
    assert first.poll() is None
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stderr
    assert "make sure that no other Snakemake process is trying to create the same" in second.stderr
    os.killpg(first.pid, signal.SIGTERM)
    first.communicate()


def garble(path):
    """Other content of the same size."""
    path.write_bytes(random.Random(0).randbytes(path.stat().st_size))


def alter(path):
    """One bit of the data."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if path.suffix == ".safetensors" else 40] ^= 1
    path.write_bytes(content)


def swap(path):
    """A whole artifact of the same kind, of another step."""
    path.write_bytes(path.with_name("step40.safetensors").read_bytes())


def remake(path):
    """A whole artifact for this place, of other numbers, that is as old as the one before."""
    artifact, then = read_tensors(path, "dataset"), path.stat().st_mtime
    backwards = {name: rows[:, ::-1] for name, rows in artifact.tensors.items()}
    write_tensors(path, backwards, artifact.stamp)
    os.utime(path, (then, then))


SPOILT = {
    "checkpoint": (f"{CELL}/checkpoints/step20.safetensors", f"{CELL}/probes.parquet"),
    "samples": (f"{CELL}/samples/step20.safetensors", MEASURED),
    "dataset": (f"{CELL}/dataset.safetensors", MEASURED),
    "table": (f"{GRID}/tables/losses.parquet", "results/smoke/figures/rhm_loss_curves.pdf"),
}


@pytest.mark.parametrize(  # every kind in every way: tests/unit/test_fuzz_artifacts.py
    ("kind", "spoil"),
    [("checkpoint", garble), ("table", alter), ("samples", swap), ("dataset", remake)],
)
def test_a_spoilt_artifact_is_refused_by_name_and_rebuilt(smoke_run, tmp_path, kind, spoil):
    checkout = smoke_run.copy(tmp_path / "checkout")
    spoilt, reader = SPOILT[kind]
    spoil(checkout.path / spoilt)
    result = checkout.snakemake(*SMOKE, reader, "--forcerun", reader)
    assert result.returncode != 0
    (error,) = re.findall(r"^ *error: (.*)$", result.stderr, re.MULTILINE)
    assert error.startswith(spoilt) or f" was made with another {spoilt} than is there;" in error
    remedy = re.search(r"rebuild .* with: snakemake (\S+ --forcerun \S+) ", error)[1].split()
    assert checkout.snakemake(*SMOKE, *remedy).returncode == 0
    assert checkout.snakemake(*SMOKE, reader).returncode == 0
    if reader.endswith(".parquet"):
        assert_same_tables(checkout.path / reader, smoke_run.path / reader)


@pytest.fixture
def small_disk(tmp_path):
    """A checkout whose results are on a file system of their own, with little space."""
    checkout = Checkout.of_sources(tmp_path / "checkout")
    results = checkout.path / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(results)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system needs root")
    yield checkout
    subprocess.run(["umount", str(results)], check=True)


def test_on_a_full_disk_the_job_says_so_and_nothing_half_written_counts(smoke_run, small_disk):
    ballast = small_disk.path / "results/ballast"
    left = shutil.disk_usage(ballast.parent).free
    ballast.write_bytes(bytes(left - 150_000))
    result = small_disk.snakemake(*SMOKE, MEASURED)
    assert result.returncode != 0
    assert re.search(
        r"error: results/\S+ cannot be written: disk full \(.*\); free some space", result.stderr
    )
    assert not list(ballast.parent.rglob(".*.tmp"))
    for path in small_disk.path.glob(f"{CELL}/**/step*.safetensors"):
        kind = "samples" if "samples" in path.parts else "checkpoint"
        read_tensors(path, kind)
    ballast.unlink()
    assert small_disk.snakemake(*SMOKE, MEASURED).returncode == 0
    assert_same_tables(small_disk.path / MEASURED, smoke_run.path / MEASURED)


def test_read_only_results_are_told_in_one_line(small_disk):
    results = small_disk.path / "results"
    subprocess.run(["mount", "-o", "remount,ro", str(results)], check=True)
    result = small_disk.snakemake(*SMOKE, MEASURED)
    assert result.returncode != 0
    *_, last = result.stderr.strip().splitlines()
    assert re.match(r"error: results/\S+/config.json cannot be written: Read-only file sys", last)
    assert f"({results}); make this writable" in last
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("fault", ["late:2", "skew:3600"])
def test_late_files_and_wrong_clocks_are_waited_for_and_mended(smoke_run, tmp_path, fault):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    faulty = environment(fault, tmp_path / "faults")
    result = checkout.snakemake(*SMOKE, "--latency-wait", "30", MEASURED, **faulty)
    assert result.returncode == 0, result.stderr
    assert "failed" not in result.stderr
    assert_same_tables(checkout.path / MEASURED, smoke_run.path / MEASURED)
    assert checkout.stale(MEASURED) == Counter()


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """A run of the grid in which one cell diverged."""
    directory = tmp_path_factory.mktemp("diverged")
    checkout = Checkout.of_sources(directory / "checkout")
    faulty = environment("nan:P8", directory / "faults")
    checkout.result = checkout.snakemake(*SMOKE, *GRID_ALONE, "--keep-going", **faulty)
    return checkout


def test_a_diverged_cell_fails_alone_and_says_why(diverged):
    assert diverged.result.returncode == 1
    assert "failed: train v4_m2_s2_L2/P8/g0d0n0+g1d0n0" in diverged.result.stderr
    assert re.search(r"not finite at step \d+, learning rate 1e\+20", diverged.result.stderr)
    finished = diverged.path.glob(f"{GRID}/*/*/probes.parquet")
    assert {path.parts[-3] for path in finished} == {"P4", "P16", "Ponline"}


def test_the_status_of_a_run_is_told_from_disk(diverged):
    before = {path: path.stat().st_mtime_ns for path in diverged.path.rglob("*")}
    command = [sys.executable, "-m", "pipeline", "status", "smoke"]
    unchanged = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    show = {"cwd": diverged.path, "capture_output": True, "text": True, "env": unchanged}
    cells = json.loads(subprocess.run([*command, "--json"], check=True, **show).stdout)
    assert [cells.pop()["domain"] for _ in range(2)] == ["image", "text"]
    assert [(cell["dataset_size"], cell["state"], cell["step"]) for cell in cells] == [
        ("4", "done", 40), ("8", "failed", 0), ("16", "done", 40), ("online", "done", 40),
    ]  # fmt: skip
    assert "learning rate 1e+20" in cells[1]["error"]
    losses = tables.read_table(diverged.path / f"{GRID}/P4/g0d0n0+g1d0n0/losses.parquet", "losses")
    last = losses.query("step == 40 and split == 'validation' and noise_high - noise_low == 1")
    assert cells[0]["validation_loss"] == pytest.approx(last["loss"].mean())
    table = subprocess.run(command, check=True, **show).stdout
    assert "3 done, 1 failed, 2 waiting" in table
    assert {path: path.stat().st_mtime_ns for path in diverged.path.rglob("*")} == before


def test_figures_are_drawn_without_the_missing_cell_and_name_it(diverged, smoke_run):
    claims = "results/smoke/tables/claims.parquet"
    arguments = (*GRID_ALONE, claims, "--config", "preset=smoke", "partial=true")
    result = diverged.snakemake(*SMOKE, *arguments)
    assert result.returncode == 0, result.stderr
    assert "warning: partial: no cell of text is finished; it is left out" in result.stderr
    figures = diverged.path / "results/smoke/figures"
    assert {path.stem for path in figures.iterdir()} == set(RHM_FIGURES)
    measured = pd.read_parquet(diverged.path / "results/smoke/tables/rhm_measurements.parquet")
    assert set(measured["dataset_size"]) == {"4", "16", "online"}
    whole = pd.read_parquet(smoke_run.path / "results/smoke/tables/rhm_measurements.parquet")
    there = whole[whole["dataset_size"] != "8"].reset_index(drop=True)
    pd.testing.assert_frame_equal(measured, there)
    for name in ("rhm_loss_curves", "rhm_sample_complexity"):
        text = pdf_text(figures / f"{name}.pdf")
        assert "without 1 missing cell: v4_m2_s2_L2/P8/g0d0n0+g1d0n0" in text
    page = (diverged.path / "results/smoke/tables/claims.html").read_text()
    assert "without 1 missing cell: v4_m2_s2_L2/P8/g0d0n0+g1d0n0" in page


def test_a_domain_without_a_finished_cell_is_not_drawn(diverged):
    result = diverged.snakemake(*SMOKE, "text", "-n", "--config", "preset=smoke", "partial=true")
    assert result.returncode != 0
    assert "error: partial: no cell of text is finished\n" in result.stderr


def test_what_was_drawn_without_a_cell_is_drawn_anew_with_it(diverged, tmp_path):
    checkout = diverged.copy(tmp_path / "checkout")
    arguments = (*GRID_ALONE, "--config", "preset=smoke", "partial=true")
    result = checkout.snakemake(*SMOKE, *arguments)
    assert result.returncode == 0, result.stderr
    stale = checkout.stale(*GRID_ALONE)
    assert stale["train"] == stale["sample"] == stale["measure"] == stale["probe"] == 1
    assert stale["aggregate"] == 4
    assert {name for name in DRAWN if stale[name]} >= {"rhm_loss_curves", "rhm_sample_complexity"}


def test_artifacts_without_a_record_are_told_from_the_others(smoke_run, tmp_path):
    """As are those of a job that ended after its snakemake had been killed."""
    checkout = smoke_run.copy(tmp_path / "checkout")
    forget = ["--cleanup-metadata", f"{CELL}/losses.parquet"]
    assert checkout.snakemake(*SMOKE, *forget).returncode == 0
    assert "warning" not in checkout.snakemake(*SMOKE, "-n").stderr
    checkout.edit_preset(lambda rhm, _: rhm["training"].update(learning_rate=0.5))
    message = checkout.snakemake(*SMOKE, "-n").stderr
    assert "no record of parts of results/smoke, made with other settings or code" in message
    assert f"run once with: --forcerun {CELL}/losses.parquet\n" in message


def pdf_text(path: Path) -> str:
    """Text of a PDF by matplotlib, which places most characters by themselves."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL)
    pages = [zlib.decompressobj().decompress(stream) for stream in streams if stream[:1] == b"x"]
    characters = re.findall(
        rb"\(((?:\\.|[^\\()])+)\)", b"".join(page for page in pages if b"TJ" in page)
    )
    return b"".join(characters).decode("latin-1")
