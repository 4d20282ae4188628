"""What a syntax tree says, and which names it uses.

Docstrings, comments and formatting are no part of it, nor are annotations that only a type checker
reads; those of a class's fields are. Of sections of the config (`pipeline.base.section`) there is
no more than what methods and properties do, as the rest cannot change a value. Standard library
only.
"""

import ast
import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from pipeline.base.choices import Choices
from pipeline.stages.imports import Imported, bindings, imported_modules

ANY = "*"
"""Among attributes: one whose name is not known before the code runs."""
LOOKUP = "[]"
"""Last part of a name that is only used to look something up by a name that is not constant."""
NAMED = "[]:"
"""Before the literal arguments of a method `named`, which are the last part of a name."""
_TELLTALE = {"getattr", "eval", "exec", "globals", "vars", "__import__"}
_TELLTALE_ATTRIBUTES = {"__dict__", "__getattribute__", "attrgetter", "methodcaller"}
_TELLTALE_ATTRIBUTES |= {"getmembers", "import_module"}
"""Names by which code may take attributes whose names it does not spell out."""
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_CHECKS = {"model_validator", "field_validator"}
_CHECK = "_problems"
_CONFIG = "model_config"
"""Decorators of methods, a method, and an attribute of sections, by which values are refused."""
_UNREAD = {"ctx", "type_comment", "kind", "returns", "annotation"}
"""Fields of a syntax tree that change nothing at run time."""
_BINDING: dict[type[ast.AST], str] = {
    ast.arg: "arg",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
}
_BINDING |= dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef), "name")
"""Fields with a name that is bound where they stand."""


class Definition(NamedTuple):
    """One definition.

    Attributes:
        digest: of what it says, and of where the names that it uses are imported from; nothing if
            it says nothing that counts.
        uses: names of its module that it uses, each with the attributes that it takes of it:
            ("helper", "f") for `helper.f`; at the end of it `LOOKUP` for `helper.f[name]`.
        attributes: names of attributes of anything.
        imports: names that are bound by imports inside it.
        modules: modules that these import.
        types: names, like those of `uses`, from which the types of a section's keys are made.
    """

    digest: str
    uses: frozenset[tuple[str, ...]]
    attributes: frozenset[str]
    imports: Mapping[str, Imported]
    modules: frozenset[str]
    types: frozenset[tuple[str, ...]] = frozenset()


class Scan:
    """Reads parts of syntax trees, and gathers what a definition is made of."""

    def __init__(self) -> None:
        self._tokens: list[str] = []
        self._uses: set[tuple[str, ...]] = set()
        self._attributes: set[str] = set()
        self._imports: dict[str, Imported] = {}
        self._modules: set[str] = set()
        self._bound: set[str] = set()
        self._types: set[tuple[str, ...]] = set()

    def finish(self, imports: Mapping[str, Imported]) -> Definition:
        """What was read, in a module with such imports."""
        known = {**imports, **self._imports}
        roots = sorted({use[0] for use in self._uses} & known.keys())
        origins = [f"{root}={known[root].module}:{known[root].name}" for root in roots]
        text = "\0".join([*self._tokens, *origins])
        digest = hashlib.sha256(text.encode()).hexdigest()[:16] if self._tokens else ""
        found = frozenset(self._uses), frozenset(self._attributes)
        modules, types = frozenset(self._modules), frozenset(self._types)
        return Definition(digest, *found, self._imports, modules, types)

    def add_text(self, *texts: str) -> None:
        """Let the digest depend on texts."""
        self._tokens += texts

    def read_scope(
        self, node: ast.stmt, module: Container[str], taken: Callable[[], Set[str]]
    ) -> None:
        """Read a function or class of a module.

        Args:
            node: the function or class.
            module: names that are bound in the module.
            taken: names that the body takes from the module, as Python resolves them; looked at
                only if a name of the module is bound inside, too.
        """
        self._tokens.append(type(node).__name__)
        self._bound, body = set(), []
        for field, value in _fields(node):
            if field == "body":
                body.append(value)
            else:
                self._read_value(value)
        outside, self._uses = self._uses, set()
        if isinstance(node, ast.ClassDef):
            self._read_types(node.body)
        self._read_value(body)
        if shadowed := {name for name in self._bound if name in module} - self._imports.keys():
            shadowed -= taken()
            self._uses = {use for use in self._uses if use[0] not in shadowed}
        self._uses |= outside

    def leave_types(self, node: ast.ClassDef) -> ast.ClassDef | None:
        """Take the types of a section's keys, and its bases, for what they name.

        Returns:
            The class with no more than what counts; nothing if that is nothing.
        """
        fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
        for expression in (line.annotation for line in fields):
            texts = filter(None, map(text_of, ast.walk(expression)))
            for part in (expression, *map(_expression, texts)):
                self._types |= chains_of(part)
        for base in node.bases:
            self._uses |= chains_of(base)
        body = [line for line in undocumented(node.body) if not _is_declaration(line)]
        if not body:
            return None
        kept = ast.ClassDef(
            name=node.name, bases=node.bases, keywords=[], body=body, decorator_list=[]
        )
        return ast.copy_location(kept, node)

    def read(self, node: ast.AST) -> None:
        """Read a node and all below it."""
        self._tokens.append(type(node).__name__)
        if isinstance(node, ast.Name | ast.Attribute):
            self._read_name(node)
            return
        if isinstance(node, ast.Subscript) and (names := _chain(node.value)):
            self._look_up(node, names)
            return
        if isinstance(node, ast.Call) and self._read_call(node):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._imports |= bindings(node)
            self._modules |= imported_modules(node)
        elif isinstance(node, ast.ClassDef):
            self._read_types(node.body)
        if type(node) in _BINDING:
            self._bound.add(getattr(node, _BINDING[type(node)]))
        for _, value in _fields(node):
            self._read_value(value)

    def _read_name(self, node: ast.Name | ast.Attribute) -> None:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self._bound.add(node.id)
        if chain := _chain(node):
            self._use(chain)
            self._tokens.append(".".join(chain))
        elif isinstance(node, ast.Attribute):
            self._take(node.attr)
            self._tokens.append(node.attr)
            self.read(node.value)

    def _read_call(self, node: ast.Call) -> bool:
        """Read a call if it has a meaning here: `getattr`, or `named` of a registry."""
        chain, texts = _chain(node.func) or ("",), [text_of(item) for item in node.args]
        names = [text for text in texts if text is not None]
        if chain == ("getattr",) and texts[1:2] == names[:1] != []:
            self._take(names[0])
        elif chain[-1] == Choices.named.__name__ and names == texts != []:
            self._use((*chain[:-1], NAMED + ",".join(names)))
        else:
            return False
        self._tokens.append(".".join(chain))
        self._read_value([*node.args, *node.keywords])
        return True

    def _use(self, chain: tuple[str, ...]) -> None:
        root, *attributes = chain
        self._uses.add(chain)
        self._take(*attributes)
        if root in _TELLTALE or root in _TELLTALE_ATTRIBUTES:
            self._attributes.add(ANY)

    def _take(self, *attributes: str) -> None:
        self._attributes.update(attributes)
        if not _TELLTALE_ATTRIBUTES.isdisjoint(attributes):
            self._attributes.add(ANY)

    def _look_up(self, node: ast.Subscript, chain: tuple[str, ...]) -> None:
        by_name = type(node.ctx) is ast.Load and not isinstance(node.slice, ast.Constant)
        self._use((*chain, LOOKUP) if by_name else chain)
        self._tokens.append(".".join(chain))
        self.read(node.slice)

    def _read_types(self, body: Iterable[ast.stmt]) -> None:
        """Read types of a class's fields, which pydantic and dataclasses do, also in strings."""
        for statement in body:
            if isinstance(statement, ast.AnnAssign):
                self.read(statement.annotation)
                for text in filter(None, map(text_of, ast.walk(statement.annotation))):
                    for node in ast.walk(_expression(text)):
                        if isinstance(node, ast.Name):
                            self._use((node.id,))

    def _read_value(self, value: object) -> None:
        if isinstance(value, list):
            self._tokens.append("[")
            for item in value:
                self._read_value(item)
            self._tokens.append("]")
        elif isinstance(value, ast.AST):
            self.read(value)
        else:
            self._tokens.append(repr(value))


def undocumented(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements without the strings that stand alone: docstrings, and those below a constant."""
    texts = (text_of(line.value) if isinstance(line, ast.Expr) else None for line in body)
    return (line for line, text in zip(body, texts, strict=True) if text is None)


def text_of(node: ast.AST | None) -> str | None:
    """A string that is written down, none if an expression is anything else."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def chains_of(node: ast.AST) -> set[tuple[str, ...]]:
    """All `a.b.c` in an expression."""
    chain = _chain(node) if isinstance(node, ast.expr) else None
    return {chain} if chain else set().union(*map(chains_of, ast.iter_child_nodes(node)))


def _is_declaration(line: ast.stmt) -> bool:
    """Whether a statement in a section declares a key, or refuses values."""
    if isinstance(line, ast.FunctionDef):
        functions = (d.func if isinstance(d, ast.Call) else d for d in line.decorator_list)
        decorators = {chain[-1] for chain in map(_chain, functions) if chain}
        return line.name == _CHECK or not _CHECKS.isdisjoint(decorators)
    if isinstance(line, ast.Assign):
        return [getattr(target, "id", None) for target in line.targets] == [_CONFIG]
    return isinstance(line, ast.AnnAssign | ast.Pass)


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    for field in node._fields:
        if field == "body" and isinstance(node, _DOCUMENTED):
            yield field, list(undocumented(node.body))
        elif field not in _UNREAD:
            yield field, getattr(node, field, None)


def _chain(node: ast.expr) -> tuple[str, ...] | None:
    """Names of `a.b.c`, if an expression is like that."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def _expression(text: str) -> ast.AST:
    """Syntax tree of a type that is written as a string; empty if it is another string."""
    try:
        return ast.parse(text, mode="eval")
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])
