"""The structure of the house: imports go down, stages start soon, and nothing is written twice.

How long and how branched functions may be, and that they are documented, is the linter's to say.
"""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from pipeline.stages.catalogue import STAGES

ROOT = Path(__file__).parents[1]
LAYERS = (
    "base",
    "stages",
    "artifacts",
    "sources networks noise",
    "datasets measurement sampling",
    "analysis slurm",
    "training",
    "rhm text image",
    "figures claims",
    "config",
    "run",
    "documents library",
    "__main__",
)
"""Rooms: folders and single modules of the package, from the ground up.

A room imports from layers below its own, so not from those beside it.
"""
HEIGHTS = {room: height for height, layer in enumerate(LAYERS) for room in layer.split()}
WITHOUT = [(stage.module, library) for stage in STAGES.values() for library in stage.without]
"""Modules of stages, and large libraries that they do not need."""
LONGEST_REPETITION = 10
"""Lines that two files may have in common, in a row, not counting blank ones."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.split(".")[1]


SOURCES = {module_name(path): path for path in sorted((ROOT / "pipeline").rglob("*.py"))}
del SOURCES["pipeline"]


UNSEEN = {"import_module", "__import__", "exec", "eval", "globals", "singledispatch"}
UNSEEN |= {"__init_subclass__", "__subclasses__", "get_type_hints"}
"""Ways to run definitions that no name leads to. Domains' parts and figures are entry points."""


TREES = {module: ast.parse(path.read_text()) for module, path in SOURCES.items()}


def test_code_uses_nothing_that_fingerprints_cannot_follow():
    loads = {"pipeline.stages.parts", "pipeline.figures.save", "pipeline.run.command"}
    for module, tree in TREES.items():
        nodes = list(ast.walk(tree))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)} - {"eval"}
        names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        assert names & UNSEEN <= ({"import_module"} if module in loads else set()), module


@pytest.mark.parametrize(("module", "library"), dict.fromkeys(WITHOUT))
def test_stages_start_without_libraries_that_they_do_not_need(module, library):
    code = f"import sys, {module}; sys.exit('{library}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def imported(module: str) -> Iterator[str]:
    """Modules of this package that a module imports, at its head or later."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & SOURCES.keys() or {node.module} & SOURCES.keys()
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & SOURCES.keys()


def test_every_room_has_its_layer():
    assert HEIGHTS.keys() == {room_of(module) for module in SOURCES}


def test_imports_go_down():
    for module in SOURCES:
        home = room_of(module)
        rooms = {room_of(name) for name in imported(module)} - {home}
        assert {room for room in rooms if HEIGHTS[room] >= HEIGHTS[home]} == set(), module


def test_imports_form_no_circle():
    TopologicalSorter({module: set(imported(module)) for module in SOURCES}).prepare()


def test_domains_do_not_know_one_another():
    part = re.compile(r"pipeline\.(rhm|text|image)\..*")
    homes = {module: found[1] for module in SOURCES if (found := part.fullmatch(module))}
    for module, home in homes.items():
        assert {homes.get(name, home) for name in imported(module)} <= {home}, module


def test_rooms_that_need_no_torch_start_without_it():
    """Torch takes seconds to import, which is most of the time of a small job."""
    uses = re.compile(r"^ *(?:import|from) (?:torch|lightning|transformers)\b", re.MULTILINE)
    slow = {room_of(module) for module, path in SOURCES.items() if uses.search(path.read_text())}
    slow |= {"library"}  # whose networks need it, though not by themselves
    modules = sorted(SOURCES, key=lambda module: HEIGHTS[room_of(module)])
    code = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    if "torch" in sys.modules:
        sys.exit(f"{module} imports torch")
"""
    soon = [module for module in modules if room_of(module) not in slow]
    command = [sys.executable, "-c", code, *soon]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_no_two_files_repeat_a_long_run_of_lines():
    """But networks, which are written out whole, each to be read by itself."""
    rules = {path.stem: path for path in sorted((ROOT / "workflow/rules").glob("*.smk"))}
    modules = {name: path for name, path in SOURCES.items() if room_of(name) != "networks"}
    found = defaultdict(set)
    for name, path in (rules | modules).items():
        lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        for start in range(len(lines) - LONGEST_REPETITION):
            found[tuple(lines[start : start + LONGEST_REPETITION + 1])].add(name)
    assert [names for names in found.values() if len(names) > 1] == []
