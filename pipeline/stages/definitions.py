"""Top-level definitions of this package's modules.

A definition is a function, a class as a whole, a constant, one member of a registry (`Choices`), or
all other top-level statements of a module together. Standard library only, since every cluster job
parses the workflow.
"""

import ast
import functools
import symtable
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeGuard

from pipeline.base.choices import Choices
from pipeline.stages.imports import PACKAGE, Imported, bindings, imported_modules
from pipeline.stages.syntax import Definition, Scan, chains_of, text_of, undocumented

OTHERS = ""
"""Name of the statements of a module that define nothing."""
SECTION = ("pipeline.base.section", "Section")
"""The class that sections of the config derive from."""
_ROOT = Path(__file__).parents[1]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_QUIET_DECORATORS = {"cache", "cached_property", "lru_cache", "dataclass", "contextmanager"}
_QUIET_DECORATORS |= {"inference_mode", "no_grad", "final"}
"""Those that do nothing but to what they decorate; others might put it into a registry."""


class Registry(NamedTuple):
    """A constant that is a `Choices`.

    Attributes:
        setting: path of the setting that names a member.
        maker: the expression `Choices`.
        members: expressions of the members, by name.
    """

    setting: str
    maker: ast.expr
    members: dict[str, ast.expr]


class Module:
    """A module of this package.

    Attributes:
        name: dotted name.
        imports: what names are bound to by imports at its top level.
        modules: modules of this package that these import.
    """

    def __init__(self, name: str) -> None:
        self.name, self._text = name, _source_path(name).read_text()
        self.imports: dict[str, Imported] = {}
        self.modules: set[str] = set()
        self._statements: dict[str, list[ast.stmt]] = {}
        self._found: dict[tuple[str, str | None], Definition] = {}
        for statement in undocumented(ast.parse(self._text).body):
            self._bind(statement)

    def __contains__(self, name: str) -> bool:
        """Whether something of this name is defined here."""
        return name in self._statements

    def __iter__(self) -> Iterator[str]:
        """All names that are bound here."""
        return iter({**self.imports, **self._statements})

    def registry(self, name: str) -> Registry | None:
        """The registry of a name, if it is one.

        Raises:
            ValueError: it is not written so that its members can be told apart.
        """
        value = getattr(self._statements[name][0], "value", None)
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name)):
            return None
        if self.imports.get(value.func.id) != (Choices.__module__, Choices.__name__):
            return None
        match value.args:
            case [ast.Constant(value=str(setting)), ast.Dict(keys=keys, values=values)]:
                named = zip(map(text_of, keys), values, strict=True)
                members = {name: value for name, value in named if name is not None}
                if len(members) == len(keys) and len(self._statements[name]) == 1:
                    return Registry(setting, value.func, members)
        raise ValueError(f"{self.name}.{name} must be a Choices of a string and a dict of strings")

    def definition(self, name: str, member: str | None = None) -> Definition:
        """A definition by its name, or one member of a registry."""
        if (name, member) not in self._found:
            self._found[name, member] = self._define(name, member)
        return self._found[name, member]

    def class_of(self, name: str) -> ast.ClassDef | None:
        """The class of a name, if it is one."""
        first = self._statements[name][0]
        return first if isinstance(first, ast.ClassDef) else None

    def names_in(self, name: str) -> set[tuple[str, ...]]:
        """Names `a.b.c` that a constant is made of."""
        values = [getattr(statement, "value", None) for statement in self._statements[name]]
        return set().union(*(chains_of(value) for value in values if value is not None))

    def line_of(self, line: int) -> list[str]:
        """Names of the definitions that a line of the source belongs to."""
        return [
            name
            for name, statements in self._statements.items()
            if any(_first_line(s) <= line <= (s.end_lineno or 0) for s in statements)
        ]

    def _define(self, name: str, member: str | None) -> Definition:
        scan, registry = Scan(), self.registry(name) if member is not None else None
        if registry and member is not None:
            scan.add_text(registry.setting, member)
            scan.read(registry.maker)
            scan.read(registry.members[member])
        else:
            for statement in self._statements[name]:
                self._read(scan, statement)
        return scan.finish(self.imports)

    def _read(self, scan: Scan, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ClassDef) and is_section(self, statement.name):
            counted = scan.leave_types(statement)
            if counted is None:
                return
            statement = counted
        if isinstance(statement, _SCOPES):
            place = statement.name, statement.lineno
            bound = self.imports.keys() | self._statements.keys()
            scan.read_scope(statement, bound, lambda: self._module_names[place])
        else:
            scan.read(statement)

    @functools.cached_property
    def _module_names(self) -> dict[tuple[str, int], set[str]]:
        """Names that every function and class takes from this module, as Python resolves them."""
        table = symtable.symtable(self._text, self.name, "exec")
        return {(t.get_name(), t.get_lineno()): _outer_names(t) for t in table.get_children()}

    def _bind(self, statement: ast.stmt) -> None:
        if isinstance(statement, _IMPORTS):
            self._import(statement)
            return
        if _is_for_types(statement):
            self._bind_types(statement)
            return
        names = list(_defined(statement))
        for name in names:
            self._statements.setdefault(name, []).append(statement)
        if names == [OTHERS]:
            for node in ast.walk(statement):
                if isinstance(node, _IMPORTS):
                    self._import(node)
                elif bound := _bound_within(node):
                    self._statements.setdefault(bound, []).append(statement)

    def _bind_types(self, choice: ast.If) -> None:
        """Bind what a block for type checkers names; it never runs, so it imports nothing."""
        for statement in choice.body:
            if isinstance(statement, _IMPORTS):
                self.imports |= bindings(statement)
        for statement in choice.orelse:
            self._bind(statement)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.imports |= bindings(node)
        self.modules |= {name for name in imported_modules(node) if is_module(name)}


def _is_for_types(statement: ast.stmt) -> TypeGuard[ast.If]:
    """Whether a statement begins with `if TYPE_CHECKING:`."""
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


@functools.cache
def load_module(name: str) -> Module:
    """A module of this package, read once.

    Raises:
        ModuleNotFoundError: there is none of this name.
    """
    return Module(name)


@functools.cache
def is_module(name: str) -> bool:
    """Whether a module of this package has this dotted name."""
    return name.split(".", maxsplit=1)[0] == PACKAGE and _candidate(name) is not None


def resolve(module: Module, names: tuple[str, ...]) -> tuple[Module, str] | None:
    """Where that is defined which a module calls `a.b.c`; none if that is not in this package."""
    while names[0] not in module:
        imported = module.imports.get(names[0])
        if imported is None or not imported.is_ours:
            return None
        home, names = imported.module, (*filter(None, [imported.name]), *names[1:])
        while names and is_module(f"{home}.{names[0]}"):
            home, names = f"{home}.{names[0]}", names[1:]
        if not names or not is_module(home):
            return None
        module = load_module(home)
    return module, names[0]


@functools.cache
def is_section(module: Module, name: str) -> bool:
    """Whether a name is that of a section of the config, by the bases of its class."""
    found = module.class_of(name)
    if found is None:
        return False
    bases = (resolve(module, chain) for base in found.bases for chain in chains_of(base))
    return (module.name, name) == SECTION or any(is_section(*base) for base in bases if base)


def module_imports(module: str) -> tuple[str, ...]:
    """Modules of this package that `module` imports by itself."""
    nodes = ast.walk(ast.parse(_source_path(module).read_text()))
    found = [imported_modules(node) for node in nodes if isinstance(node, _IMPORTS)]
    return tuple(sorted(filter(is_module, set().union(*found))))


def _candidate(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split(".")[1:])
    paths = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in paths if path.is_file()), None)


def _source_path(module: str) -> Path:
    path = _candidate(module)
    if path is None:
        raise ModuleNotFoundError(f"{module} is not a module of {_ROOT}")
    return path


def _defined(statement: ast.AST) -> Iterator[str]:
    """Names that a statement defines; `OTHERS` if it does something else, or more."""
    if isinstance(statement, _SCOPES):
        yield statement.name
        if not all(map(_is_quiet, statement.decorator_list)):
            yield OTHERS
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            items = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            yield from (item.id if isinstance(item, ast.Name) else OTHERS for item in items)
    elif isinstance(statement, ast.stmt):
        yield OTHERS


def _is_quiet(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
    return name in _QUIET_DECORATORS


def _bound_within(node: ast.AST) -> str | None:
    """The name that a part of a compound statement binds, if it is one that does."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.name if isinstance(node, _SCOPES) else None


def _outer_names(table: symtable.SymbolTable) -> set[str]:
    """Names that a scope, and scopes inside it, may take from the module."""
    if isinstance(table, symtable.Function):
        names = set(table.get_globals())
    else:
        names = set(table.get_identifiers())
    return names.union(*map(_outer_names, table.get_children()))


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
