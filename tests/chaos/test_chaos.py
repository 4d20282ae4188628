"""The smoke grid with a random fault in every third job ends with the tables of a calm run."""

import re

import pandas as pd

from tests.faults.inject import environment
from tests.workflow.checkout import GRID, SMOKE, Checkout

SEED = 36  # strikes trainings and samplings, with faults of every kind


def all_tables(checkout):
    return {path.relative_to(checkout.path): path for path in checkout.path.rglob("*.parquet")}


def test_random_faults_leave_no_trace_in_the_tables(tmp_path):
    calm = Checkout.of_sources(tmp_path / "calm")
    assert calm.snakemake(*SMOKE, *GRID).returncode == 0
    chaotic = Checkout.of_sources(tmp_path / "chaotic")
    faulty = environment(f"chaos:{SEED}", tmp_path / "faults")
    result = chaotic.snakemake(*SMOKE, *GRID, "--retries", "1", "--keep-going", **faulty)
    assert result.returncode == 0, result.stderr
    struck = re.findall(r"^failed: (\w+)", result.stderr, re.MULTILINE)
    assert {"train", "sample"} <= set(struck), "the seed should strike what can be resumed"
    assert len(struck) >= 15, "most faults should cost an attempt; a small file fits a full disk"
    one, other = all_tables(calm), all_tables(chaotic)
    finished = {name for name in one if ".work" not in name.parts}
    assert finished <= set(other)
    for name in finished:
        frames = [pd.read_parquet(tables[name]) for tables in (one, other)]
        pd.testing.assert_frame_equal(
            *(frame.drop(columns="steps_per_second", errors="ignore") for frame in frames)
        )
    assert chaotic.stale(*GRID) == calm.stale(*GRID) == {}
