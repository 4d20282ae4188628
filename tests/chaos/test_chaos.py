"""The smoke grid with a random fault in every third job ends with the tables of a calm run."""

import pandas as pd

from tests.faults.inject import environment
from tests.workflow.checkout import SMOKE, Checkout

SEED = 0
ATTEMPTS = 3


def all_tables(checkout):
    return {path.relative_to(checkout.path): path for path in checkout.path.rglob("*.parquet")}


def test_random_faults_leave_no_trace_in_the_tables(tmp_path):
    calm = Checkout.of_sources(tmp_path / "calm")
    assert calm.snakemake(*SMOKE).returncode == 0
    chaotic = Checkout.of_sources(tmp_path / "chaotic")
    faulty = environment(f"chaos:{SEED}", tmp_path / "faults")
    result = chaotic.snakemake(*SMOKE, "--retries", str(ATTEMPTS), "--keep-going", **faulty)
    assert result.returncode == 0, result.stderr
    struck = {line.split()[1] for line in result.stderr.splitlines() if line.startswith("failed: ")}
    assert {"train", "sample"} <= struck, "the seed should hit what can be resumed"
    one, other = all_tables(calm), all_tables(chaotic)
    finished = {name for name in one if ".work" not in name.parts}
    assert finished <= set(other)
    for name in finished:
        frames = [pd.read_parquet(tables[name]) for tables in (one, other)]
        pd.testing.assert_frame_equal(
            *(frame.drop(columns="steps_per_second", errors="ignore") for frame in frames)
        )
    assert chaotic.stale() == calm.stale() == {}
