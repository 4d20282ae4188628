"""Which settings and which code an artifact depends on: specs and code fingerprints.

A job's *spec* is one canonical JSON string. Snakemake compares it with the one on record, so a
job is stale exactly when something in its spec changed. The code fingerprint hashes the syntax
trees, without docstrings, of the modules that a stage can reach by imports: comments, docstrings
and formatting do not count. Standard library only, since every cluster job parses the workflow.
"""

import ast
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "pipeline"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = (ast.stmt, ast.excepthandler, ast.match_case)
_ROOT = Path(__file__).parents[1]


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def short_hash(value: object) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


@functools.cache
def code_fingerprint(*modules: str) -> str:
    """Hash of the code of `modules` and of everything they import from this package."""
    pending, seen = list(modules), {}
    while pending:
        module = pending.pop()
        if module not in seen:
            seen[module], imports = _digest_and_imports(module)
            pending.extend(imports)
    return short_hash(seen)


def module_imports(module: str) -> tuple[str, ...]:
    """Modules of this package that `module` imports by itself."""
    return _digest_and_imports(module)[1]


@functools.cache
def _digest_and_imports(module: str) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(_source_path(module).read_text())
    statements = [tree, *_statements(tree)]
    imports = tuple(sorted({name for node in statements for name in _imported(node)}))
    for node in statements:
        _strip_docstrings(node)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node: `ast.walk` without the expressions, which are most of a tree."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _BLOCKS):
            yield child
            yield from _statements(child)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        submodules = [f"{node.module}.{alias.name}" for alias in node.names]
        names = [node.module, *(name for name in submodules if _is_module(name))]
    else:
        names = []
    return [name for name in names if name.split(".")[0] == PACKAGE]


def _is_module(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == PACKAGE and _candidate(name) is not None


def _candidate(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split(".")[1:])
    paths = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in paths if path.is_file()), None)


def _source_path(module: str) -> Path:
    path = _candidate(module)
    if path is None:
        raise ModuleNotFoundError(f"{module} is not a module of {_ROOT}")
    return path


def _strip_docstrings(node: ast.AST) -> None:
    """Drop every string that stands alone: docstrings, and those below an assignment."""
    if isinstance(node, _DOCUMENTED):
        node.body = [line for line in node.body if not _is_docstring(line)]


def _is_docstring(line: ast.stmt) -> bool:
    value = line.value if isinstance(line, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
