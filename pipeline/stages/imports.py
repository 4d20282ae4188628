"""Import statements: names that they bind, and modules that they run. Standard library only."""

import ast
from typing import NamedTuple

PACKAGE = __name__.split(".", maxsplit=1)[0]


class Imported(NamedTuple):
    """What an import binds a name to: a module, or a name in it."""

    module: str
    name: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is of this package."""
        return self.module.split(".", maxsplit=1)[0] == PACKAGE


def bindings(node: ast.Import | ast.ImportFrom) -> dict[str, Imported]:
    """What the names are bound to that an import binds.

    Raises:
        ValueError: the import does not say which names, or which module.
    """
    if isinstance(node, ast.Import):
        roots = {alias.name.split(".", maxsplit=1)[0] for alias in node.names if not alias.asname}
        named = {alias.asname: Imported(alias.name) for alias in node.names if alias.asname}
        return {root: Imported(root) for root in roots} | named
    if node.level or node.module is None or any(alias.name == "*" for alias in node.names):
        raise ValueError(f"line {node.lineno}: imports must name their module and what they import")
    return {alias.asname or alias.name: Imported(node.module, alias.name) for alias in node.names}


def imported_modules(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Names that may be those of modules of this package, which an import runs."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {name for name in names if name.split(".", maxsplit=1)[0] == PACKAGE}
