"""Snakemake's scheduler looks at what is ready when a job ends, and not all the time."""

from tests.faults.inject import environment
from tests.workflow.checkout import SMOKE, Checkout

GRID = "results/smoke/rhm/v4_m2_s2_L2"
GRAMMARS = [f"{GRID}/grammar_g{seed}.safetensors" for seed in (0, 1)]
DATASETS = [f"{GRID}/P{size}/g0d0n0+g1d0n0/dataset.safetensors" for size in (4, 8)]


def passes(log: str) -> int:
    """How often the scheduler evaluated all jobs that were ready."""
    return log.count("Resources before job selection:")


def test_the_scheduler_passes_once_for_every_job_that_ends(tmp_path):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    slow = environment("slow:3", tmp_path / "faults")
    result = checkout.snakemake(*SMOKE, "--cores", "1", "--verbose", *DATASETS, **slow)
    assert result.returncode == 0, result.stderr
    jobs = len(GRAMMARS + DATASETS)
    assert 0 < passes(result.stdout + result.stderr) <= jobs
