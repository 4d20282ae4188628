"""Records of stages are light, agree with one another, and an edit of one makes nothing stale."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.base.spec import Spec
from pipeline.run import command
from pipeline.run.command import run_stage
from pipeline.stages.catalogue import CELL_TABLES, COMPARISONS, RULES, STAGES, TABLES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.figures import FIGURES
from pipeline.stages.paths import CELL
from pipeline.stages.record import Files, Rule, Stage

ROOT = Path(__file__).parents[2]
PLANNERS = {"stages", "config", "run", "documents", "__main__.py"}
"""What may know of all stages: nothing that a stage runs."""
GIVEN = {}
"""Options that a stage of a test was run with."""


def test_records_need_the_standard_library_only():
    code = "import sys, pipeline.stages.catalogue; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    known = sys.stdlib_module_names | {"pipeline", "__main__"}
    assert {name.split(".")[0] for name in loaded} <= known


def test_no_stage_depends_on_the_records():
    for path in (ROOT / "pipeline").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        if "pipeline.stages.catalogue" in modules:
            assert path.relative_to(ROOT / "pipeline").parts[0] in PLANNERS


def test_every_rule_and_option_has_a_name_of_its_own():
    assert len(RULES) == sum(len(stage.rules) for stage in STAGES.values())
    for stage in STAGES.values():
        options = [file.option for file in (*stage.inputs, *stage.outputs)]
        options += [option.option for option in stage.options] + [*stage.parts, "spec"]
        assert len({*options}) == len(options)


def test_rules_name_domains_and_options_that_there_are():
    for stage in STAGES.values():
        options = {file.option for file in (*stage.inputs, *stage.outputs)}
        for rule in stage.rules:
            assert set(rule.domains) <= set(DOMAINS)
            assert set(rule.paths) <= options
        assert stage.own_files in {"", *(file.option for file in stage.inputs)}


def test_tables_follow_from_outputs():
    assert set(CELL_TABLES["image"]) == {"losses", "measurements", "pictures"}
    assert set(TABLES["image"]) - set(CELL_TABLES["image"]) == {
        *("calibration", "control_pictures", "convergence")
    }
    assert COMPARISONS["rhm"] == ("exponents", "laws", "claims")


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_shows_tables_that_there_are_by_a_module_that_there_is(figure):
    there = {*TABLES[figure.domain], *COMPARISONS[figure.domain], "departures"}
    assert set(figure.tables) <= there
    assert (ROOT / f"pipeline/figures/{figure.domain}/{figure.subject}.py").exists()
    for name in figure.references:
        assert (ROOT / f"workflow/references/{figure.domain}_{name}.parquet").exists()


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_claims_are_decided_from_tables_that_there_are(domain):
    assert set(domain.claim_tables) <= {*TABLES[domain.name], *COMPARISONS[domain.name]}
    assert set(domain.beside) | set(domain.beside.values()) <= set(TABLES[domain.name])


def test_a_stage_is_given_files_of_the_users_own_before_what_was_fetched(monkeypatch):
    stage = Stage(
        "example",
        "tests.unit.test_stage_records:example",
        "pipeline.text.settings:CorpusSettings",
        inputs=(Files("archives", "resources/{resource}", "many"),),
        outputs=(Files("output", "out"),),
        rules=(Rule("example"),),
        own_files="archives",
    )
    own = SimpleNamespace(source="directory", content="hash")
    spec = Spec("example", "text", own, {})
    monkeypatch.setattr(command, "start_job", {"written": spec}.get)
    monkeypatch.setattr(command, "planned_files", lambda source, _content: [source])
    fetched, output = Path("fetched"), Path("out")
    run_stage(stage, {"spec": "written", "archives": [fetched], "output": output})
    assert {"spec": spec, "archives": ["directory", fetched], "output": output} == GIVEN


def example(**options):
    GIVEN.update(options)


def test_a_stage_has_ended_once_its_last_output_is_there():
    assert {STAGES["train"].last_output(name) for name in DOMAINS} == {f"{CELL}/losses.parquet"}
    assert STAGES["probe"].last_output("image") == ""
