"""The paper's configuration on the cluster profile, as a dry run."""

import re
from collections import Counter

import pytest

from pipeline.config.schema import FIGURES, TABLES
from tests.workflow.checkout import ROOT, Checkout, job_counts

pytestmark = pytest.mark.xdist_group("paper")

TRAJECTORIES = (14 + 10 + 11 + 12) * 4
ARGUMENTS = ("--profile", "slurm", "-j", "64")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("paper") / "checkout")


def dry_run(checkout, *arguments):
    result = checkout.snakemake(*ARGUMENTS, *arguments, "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stderr
    return job_counts(result.stdout + result.stderr)


def test_the_whole_grid_has_the_expected_jobs(checkout):
    counts = dry_run(checkout)
    stages = ("dataset", "train", "sample", "measure", "probe")
    assert {stage: counts.pop(stage) for stage in stages} == dict.fromkeys(stages, TRAJECTORIES)
    assert counts.pop("grammar") == 7 * 8  # those of the grid are among those of the theory
    assert counts.pop("theory") == 7
    assert counts == {
        "aggregate": 4,
        "analyse": 4,
        "memorize": 4,
        "ceiling": 4,
        "concatenate": len(TABLES),
        "exponents": 1,
        "claims": 1,
    } | dict.fromkeys(FIGURES, 1)


def test_the_paper_takes_as_many_slurm_jobs_as_the_readme_says(checkout):
    result = checkout.snakemake(*ARGUMENTS, "--dry-run", "--quiet", "host")
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    bodies = re.findall(r"^rule (\w+):\n(.*?)^    shell:", rules, re.MULTILINE | re.DOTALL)
    local = {name for name, body in bodies if "localrule: True" in body} | {"all", *FIGURES}
    alone = Counter(re.findall(r"^rule (\w+):", result.stdout + result.stderr, re.MULTILINE))
    submitted = {name: count for name, count in alone.items() if name not in local}
    groups = (result.stdout + result.stderr).count("Group job evaluate")
    assert submitted == {"train": TRAJECTORIES, "probe": TRAJECTORIES, "ceiling": 4, "theory": 7}
    assert groups == TRAJECTORIES
    total = sum(submitted.values()) + groups
    assert f"They take {total} Slurm\njobs" in (ROOT / "README.md").read_text()


def test_a_figure_of_one_grammar_needs_that_grammar_only(checkout):
    counts = dry_run(checkout, "results/paper/figures/rhm_accuracy_vs_dataset_size.pdf")
    assert counts["train"] == 14 * 4
    assert counts["rhm_accuracy_vs_dataset_size"] == 1
    assert sum(counts[name] for name in FIGURES) == 1


def test_a_path_of_another_run_is_not_made(checkout):
    result = checkout.snakemake(*ARGUMENTS, "-n", "results/demo/figures/rhm_loss_curves.pdf")
    assert result.returncode != 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--config", "preset=nope"), "error: config: preset: 'nope' is unknown"),
        (("--config", "run=../x"), "error: config: run = '../x'"),
    ],
)
def test_a_config_error_is_one_line_without_traceback(checkout, arguments, message):
    result = checkout.snakemake(*ARGUMENTS, "-n", *arguments)
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith(message)
    assert "Traceback" not in result.stderr


def test_lint_asks_for_nothing_but_an_environment_per_rule(checkout):
    """All rules share the one environment that `make` or conda made, on every node."""
    result = checkout.snakemake("--lint")
    complaints = set(re.findall(r"^    \* (.+?):?$", result.stdout + result.stderr, re.MULTILINE))
    assert complaints == {"Specify a conda environment or container for each rule."}
