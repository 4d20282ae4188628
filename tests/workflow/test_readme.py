"""What the README says can be done, can be done."""

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.base.columns import COLUMNS
from pipeline.stages.catalogue import COMPARISONS, STAGES, TABLES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.figures import FIGURES
from tests.workflow.checkout import ROOT, Checkout

README = (ROOT / "README.md").read_text()
DOCUMENTED = (ROOT / "docs/tables.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
FAULTS = (ROOT / "docs/faults.md").read_text()
STUDY = (ROOT / "docs/study.md").read_text()
RELEASED = (ROOT / "docs/released_code.md").read_text()
_COMMAND = r"[`\n](?:workflow/recover.sh && )?(snakemake [^`<\n]*)"
COMMANDS = sorted(set(re.findall(_COMMAND, README + STUDY + RELEASED)))
MAKE_TARGETS = sorted(set(re.findall(r"`?\bmake ([\w-]+)`", README)))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("readme") / "checkout")


@pytest.mark.parametrize("command", [c for c in COMMANDS if "partial=true" not in c])
def test_a_command_of_the_readme_plans_its_jobs(checkout, command):
    result = checkout.snakemake("--dry-run", *command.split()[1:])
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("target", MAKE_TARGETS)
def test_a_make_target_of_the_readme_exists(target):
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == 0


def test_every_figure_and_column_is_documented():
    assert [name for name in FIGURES if f"`{name}.pdf`" not in README] == []
    assert [
        name for name in COLUMNS if f"| `{name}` | {COLUMNS[name].meaning} |" not in DOCUMENTED
    ] == []


def table_rows() -> list[str]:
    """Rows of the documentation, one for every table of a domain, in the order of its stages."""
    rows = {}
    for domain in DOMAINS:
        for stage in STAGES.values():
            for path in stage.patterns(domain):
                name = Path(path).name.removesuffix(".parquet").removeprefix("{domain}_")
                if name in (*TABLES[domain], *COMPARISONS[domain]):
                    rows.setdefault((name, stage.name), []).append(domain)
    return [f"| `{name}` | {stage} | {', '.join(rows[name, stage])} |" for name, stage in rows]


def test_every_table_is_documented_with_its_stage():
    assert "\n".join(table_rows()) in DOCUMENTED


def test_the_house_is_as_contributors_are_told():
    (rooms,) = re.findall(r"rooms before it in this order:\n\n(.*?)\n\n", CONTRIBUTING, re.DOTALL)
    folders = {path.parent.name for path in (ROOT / "pipeline").glob("*/__init__.py")}
    assert set(re.findall(r"`(\w+)`", rooms)) == folders
    named = re.findall(
        r"`((?:pipeline|tests|workflow|docs)/[\w/]+\.(?:py|smk|md|yaml))`", CONTRIBUTING
    )
    new = {"workflow/rules/entropy.smk"}
    assert {name for name in named if not (ROOT / name).exists()} <= new


def test_every_fault_has_a_test():
    rows = re.findall(r"^\| (?!fault|artifact|---).*$", FAULTS, re.MULTILINE)
    assert all("`tests/" in row for row in rows)
    for path, name in re.findall(r"`(tests/\S+)::(\w+)`", FAULTS):
        assert f"def {name}(" in (ROOT / path).read_text(), name


def test_the_python_of_the_readme_runs(smoke_run, monkeypatch):
    monkeypatch.chdir(smoke_run.path)
    tables, network, oracle = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    smoke = tables.replace("results/demo", "results/smoke").replace("level == 3", "level == 2")
    names = {}
    exec(smoke.replace("\nrows.query", "\nfound = rows.query"), names)
    assert len(names["found"]) > 0
    run = "results/smoke/rhm/v4_m2_s2_L2/P16/g0d0n0+g1d0n0"
    smoke = re.sub(r"results/demo/\S+(?=\")", run, network).replace("step6000", "step40")
    exec(smoke.replace("t=100", "t=10"), names)
    assert names["clean"].shape == (2, 64, 4, 4)
    assert set(names["blocks"]) == {"down1", "down2", "up2", "up1"}
    exec(oracle, names)
    assert (names["trees"][0] < 16).all()
    assert names["beliefs"].log_evidence.isfinite().all()


def test_the_learning_rate_is_worked_out_as_the_page_says():
    (code,) = re.findall(r"```python\n(.*?)```", RELEASED, re.DOTALL)
    names = {}
    exec(code.replace("4096, (64, 128, 256)", "2048, (32, 64)"), names)
    assert all(2e-9 < value < 8e-9 for value in names["scaled"].values())  # 4e-9, whatever W
    assert 5e-4 < names["excess"] < 2e-3
