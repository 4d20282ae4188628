"""The structure of the house: imports run one way, files and functions stay small."""

import ast
import re
import subprocess
import sys
from itertools import chain, combinations
from pathlib import Path

import pytest

from pipeline.stages.definitions import module_imports

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "pipeline").rglob("*.py"))

BASE = {
    "errors",
    "randomness",
    "artifacts",
    "streams",
    "provenance",
    "definitions",
    "syntax",
    "choices",
    "progress",
    "columns",
    "tables",
    "workspace",
    "samples",
}
MAY_IMPORT = {
    "config": BASE | {"sources"},
    "grammar": BASE,
    "datasets": BASE | {"grammar"},
    "noise": BASE,
    "networks": BASE,
    "slurm": BASE | {"interruption"},
    "training": BASE | {"noise", "networks", "device", "slurm"},
    "sampling": BASE | {"noise", "networks", "device"},
    "probing": BASE | {"networks", "device"},
    "measurement": BASE | {"grammar"},
    "sources": BASE,
    "corpora": BASE | {"sources"},
    "images": BASE | {"sources"},
    "judging": BASE | {"sources", "corpora", "measurement", "device"},
    "encoding": BASE | {"sources", "device"},
    "theory": BASE | {"grammar", "datasets", "networks"},
    "belief_propagation": BASE | {"sampling"},
    "oracle": BASE | {"belief_propagation", "grammar", "noise"},
    "aggregation": BASE | {"config"},
    "analysis": BASE,
    "claims": BASE | {"analysis", "config", "specs"},
    "figures": BASE | {"analysis", "grammar"},
    "domains": BASE
    | {"grammar", "datasets", "noise", "networks", "training", "sampling", "oracle"}
    | {"measurement", "probing", "corpora", "device"},
    "specs": BASE | {"domains"},
    "status": BASE | {"config", "domains"},
    "inventory": BASE | {"stamps"},
    "retraining": BASE | {"specs", "stamps"},
}
"""Package by package; a base module may import base modules only."""

TORCHLESS = ("grammar", "corpus", "dataset", "measure", "controls", "decode", "aggregate")
TORCHLESS += ("images", "pictures", "converge")
TORCHLESS += ("concatenate", "analyse", "memorize", "exponents", "claims")
PANDASLESS = ("grammar", "aggregate", "concatenate")
WITHOUT = [(stage, "torch") for stage in TORCHLESS] + [(stage, "pandas") for stage in PANDASLESS]
"""Stages and large libraries that they do not need."""


UNSEEN = {"import_module", "__import__", "exec", "eval", "globals", "singledispatch"}
UNSEEN |= {"__init_subclass__", "__subclasses__", "get_type_hints"}
"""Ways to run definitions that no name leads to. Domains' parts and figures are entry points."""
DOMAINS = ("rhm", "text", "image")
OWN = {
    "rhm": ["pipeline/grammar/*.py", "pipeline/networks/*unet1d.py", "pipeline/config/rhm.py"],
    "text": ["pipeline/corpora/*.py", "pipeline/judging/*.py", "pipeline/networks/transformer.py"],
    "image": ["pipeline/images/*.py", "pipeline/encoding/*.py", "pipeline/networks/unet2d.py"],
}
OWN["rhm"] += ["workflow/rules/grammar.smk", "workflow/rules/ceiling.smk"]
OWN["text"] += ["workflow/rules/corpus.smk", "pipeline/config/text.py", "pipeline/config/corpus.py"]
OWN["image"] += ["workflow/rules/images.smk", "pipeline/config/image*.py"]
"""Files that only one domain uses, beside those that are named after it."""
LONGEST_REPETITION = 10
"""Lines that two domains may have in common, one after the other."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def functions(path: Path) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_run_in_one_direction(path):
    module = module_name(path)
    if module in ("pipeline", "pipeline.__main__"):
        return
    package = module.split(".")[1]
    allowed = MAY_IMPORT.get(package, BASE) | {package}
    imported = {name.split(".")[1] for name in module_imports(module) if "." in name}
    assert imported <= allowed


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_code_uses_nothing_that_fingerprints_cannot_follow(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)} - {"eval"}
    names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    loads = module_name(path) in ("pipeline.stages.parts", "pipeline.figures.save")
    assert names & UNSEEN <= ({"import_module"} if loads else set())


@pytest.mark.parametrize("domain", DOMAINS)
def test_domains_do_not_know_one_another(domain):
    modules = [module_name(p) for p in SOURCES if f"domains/{domain}/" in p.as_posix()]
    imports = set(chain.from_iterable(module_imports(module) for module in modules))
    assert not [n for n in imports if n.startswith("pipeline.domains.") and domain not in n]


@pytest.mark.parametrize(("stage", "library"), WITHOUT)
def test_stages_start_without_libraries_that_they_do_not_need(stage, library):
    from pipeline.stages.specs import STAGES

    module = STAGES[stage].function.partition(":")[0]
    code = f"import sys, {module}; sys.exit('{library}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_and_functions_are_short_and_documented(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert not text.strip() or ast.get_docstring(ast.parse(text))
    for function in functions(path):
        assert function.end_lineno - function.lineno < 80, function.name


def test_the_median_function_is_short():
    lengths = sorted(f.end_lineno - f.lineno + 1 for path in SOURCES for f in functions(path))
    assert lengths[len(lengths) // 2] <= 14


@pytest.mark.parametrize("path", sorted((ROOT / "workflow/rules").glob("*.smk")), ids=str)
def test_a_rule_file_is_a_page_and_every_rule_logs(path):
    text = path.read_text()
    if "No rules." in text.partition("\n")[0]:
        assert not re.search(r"^rule ", text, re.M)
        return
    assert len(text.splitlines()) <= 100
    rules = re.sub(r"^use rule .*?(?=^\S|\Z)", "", text, flags=re.M | re.S)  # these inherit it
    assert len(re.findall(r"^ +log:", rules, re.M)) == len(re.findall(r"^ +shell:", rules, re.M))
    assert "log:" in rules


def lines_of(domain: str) -> dict[Path, list[str]]:
    """Lines that are not blank of all files that only one domain has."""
    places = [f"pipeline/{domain}/*.py", f"pipeline/**/{domain}_*.py", *OWN[domain]]
    files = [path for place in places for path in ROOT.glob(place)]
    read = {path: path.read_text().splitlines() for path in files}
    return {path: [s for line in text if (s := line.strip())] for path, text in read.items()}


def runs(domain: str, length: int) -> dict[tuple[str, ...], Path]:
    return {
        tuple(lines[start : start + length]): path
        for path, lines in lines_of(domain).items()
        for start in range(len(lines) - length + 1)
    }


@pytest.mark.parametrize(("one", "other"), list(combinations(DOMAINS, 2)))
def test_domains_repeat_no_long_run_of_lines(one, other):
    length = LONGEST_REPETITION + 1
    found, others = runs(one, length), runs(other, length)
    assert min(len(found), len(others)) > 500
    assert {(found[run].name, others[run].name) for run in found.keys() & others.keys()} == set()
