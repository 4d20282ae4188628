"""Runs in the repository as a fresh clone has them, with their tables and nothing else."""

import shutil

from tests.workflow.checkout import ROOT, Checkout, job_counts

HOME = "results/study_time"
FIGURE = f"{HOME}/figures/rhm_correlation_law"


def test_a_figure_is_drawn_from_tables_alone_and_it_is_told_where(tmp_path):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    shutil.copytree(ROOT / HOME / "tables", checkout.path / HOME / "tables")
    command = (f"{FIGURE}.pdf", "--profile", "workflow/profiles/study_time", "--cores", "1")
    for jobs in ({"rhm_correlation_law": 1}, {}):
        result = checkout.snakemake(*command)
        assert result.returncode == 0, result.stderr
        assert job_counts(result.stdout + result.stderr) == jobs
        assert result.stderr.splitlines().count(f"figure: {FIGURE}.png") == 1
    assert (checkout.path / f"{FIGURE}.png").is_file()
