"""What the README and the pages in docs say can be done, can be done."""

import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipeline.base.columns import COLUMNS
from pipeline.stages.catalogue import COMPARISONS, STAGES, TABLES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.figures import FIGURES
from tests.workflow.checkout import ROOT, Checkout

PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md"))
}
README, DOCUMENTED = PAGES["README.md"], PAGES["docs/tables.md"]
CONTRIBUTING = PAGES["CONTRIBUTING.md"]
FAULTS = PAGES["docs/faults.md"]
RELEASED = PAGES["docs/released_code.md"]
_COMMAND = r"[`\n](?:workflow/recover.sh && )?(snakemake [^`<\n]*)"
_PLANNED = (
    "README.md",
    "docs/running.md",
    "docs/cluster.md",
    "docs/study.md",
    "docs/released_code.md",
)
COMMANDS = sorted({found for page in _PLANNED for found in re.findall(_COMMAND, PAGES[page])})
_TARGET = r"(?:`|^)make ([\w-]+)"
MAKE_TARGETS = sorted(
    {t for page in PAGES.values() for t in re.findall(_TARGET, page, re.MULTILINE)}
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("readme") / "checkout")


@pytest.mark.parametrize("command", [c for c in COMMANDS if "partial=true" not in c])
def test_a_command_of_the_pages_plans_its_jobs(checkout, command):
    result = checkout.snakemake("--dry-run", *command.split()[1:])
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("target", MAKE_TARGETS)
def test_a_make_target_of_the_pages_exists(target):
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == 0


def test_the_readme_is_short_and_says_first_what_to_type():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert "make quick" in "".join(lines[:20])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s#]+)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


FIRST_RUN = PAGES["docs/first_run.md"]
RUNS = re.findall(r"^ *(python -m pipeline run .*)$", README + FIRST_RUN, re.MULTILINE)


@pytest.mark.parametrize("command", RUNS)
def test_a_command_for_people_plans_its_jobs(checkout, command):
    result = subprocess.run(
        [sys.executable, *shlex.split(command)[1:], "--dry-run"],
        cwd=checkout.path,
        env=checkout.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_python_of_the_first_run_runs(smoke_run, monkeypatch):
    monkeypatch.chdir(smoke_run.path)
    (code,) = re.findall(r"```python\n(.*?)```", FIRST_RUN, re.DOTALL)
    names = {}
    exec(textwrap.dedent(code).replace('"quick"', '"smoke"'), names)
    assert len(names["rows"]) > 0


def test_every_figure_and_column_is_documented():
    assert [name for name in FIGURES if f"`{name}.pdf`" not in PAGES["docs/figures.md"]] == []
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


def test_the_python_of_the_page_for_notebooks_runs(smoke_run, monkeypatch):
    monkeypatch.chdir(smoke_run.path)
    tables, figure, network, oracle = re.findall(
        r"```python\n(.*?)```", PAGES["docs/notebook.md"], re.DOTALL
    )
    smoke = tables.replace("results/demo", "results/smoke").replace("level == 3", "level == 2")
    names = {}
    exec(smoke.replace("\nrows.query", "\nfound = rows.query"), names)
    assert len(names["found"]) > 0
    exec(
        figure.replace('"demo"', '"smoke"').replace("v == 10 and m == 3", "v == 4 and m == 2"),
        names,
    )
    assert len(names["plt"].gca().lines) == 2
    names["plt"].close()
    exec(network.replace('"demo"', '"smoke"').replace("t=100", "t=10"), names)
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
