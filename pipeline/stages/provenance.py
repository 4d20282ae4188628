"""Which settings and which code an artifact depends on: specs and code fingerprints.

A job's *spec* is one canonical JSON string. Snakemake compares it with the one on record, so a
job is stale exactly when something in its spec changed. The code fingerprint hashes the definitions
(functions, classes, constants) that a job's entry points can reach, through whatever they name:

- Of a registry (`Choices`) that the code only looks up in, it has the member that settings name;
  the whole registry if they name none, or if the code does anything else with it.
- Of a module that is used as a value, as domains' parts are, it has what the code may take of it:
  definitions whose names are somewhere those of attributes.
- Other top-level statements count as soon as a module is imported.
- Of a section of the config it has methods and properties, also of the sections that its keys may
  have; which keys there are, of which types, and what is refused are no part of it.

Standard library only, since every cluster job parses the workflow.
"""

import functools
import gc
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from pipeline.base.canonical import short_hash
from pipeline.stages.definitions import OTHERS, Module, is_module, load_module, resolve
from pipeline.stages.imports import Imported
from pipeline.stages.syntax import ANY, LOOKUP, NAMED, Definition

_Choices = tuple[tuple[str, tuple[str, ...]], ...]
"""Settings with the names of members of registries that they choose."""


class Code(NamedTuple):
    """The code that a job can reach.

    Attributes:
        fingerprint: hash of the definitions.
        definitions: their digests, by `module:name`, or `module:name[member]` of a registry.
        choices: what settings name, by path, of which no more than that is reached.
    """

    fingerprint: str
    definitions: Mapping[str, str]
    choices: Mapping[str, list[str]]


def named_choices(
    entries: tuple[str, ...], *settings: Mapping[str, object]
) -> dict[str, tuple[str, ...]]:
    """What settings name of the registries that entry points can reach.

    Returns:
        By path of the setting, names of members.
    """
    paths = sorted(_reach(entries, ()).in_full)
    found = {path: {_named(path, each) for each in settings} - {None} for path in paths}
    return {path: tuple(sorted(filter(None, names))) for path, names in found.items() if names}


def reachable_code(entries: tuple[str, ...], choices: Mapping[str, Collection[str]]) -> Code:
    """Everything of this package that a job may run.

    Args:
        entries: where it enters: `module:function`, or a module that it uses as a value.
        choices: names of members of registries, by path of the setting that names them.
    """
    return _settle(entries, tuple((path, tuple(choices[path])) for path in sorted(choices)))


@functools.cache
def _settle(entries: tuple[str, ...], choices: _Choices) -> Code:
    reachable = _reach(entries, ()).in_full
    chosen = {setting: set(names) for setting, names in choices if setting in reachable}
    while True:
        found = _reach(entries, tuple((k, tuple(sorted(chosen[k]))) for k in sorted(chosen)))
        # Who has names of one registry may look them up in others of the same setting.
        wider = {k: chosen[k] | found.named[k] for k in chosen.keys() - found.in_full}
        if wider == chosen:
            names = {setting: sorted(chosen[setting]) for setting in sorted(chosen)}
            return Code(found.fingerprint, found.digests, names)
        chosen = wider


def _named(path: str, settings: Mapping[str, object]) -> str | None:
    """The name that a setting has, or the `kind` of a section; none if it has no name."""
    value: object = settings
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    value = value.get("kind") if isinstance(value, Mapping) else value
    return value if isinstance(value, str) else None


@functools.cache
def _reach(entries: tuple[str, ...], choices: _Choices) -> "_Closure":
    closure, collects = _Closure(dict(choices)), gc.isenabled()
    gc.disable()  # it would go through all syntax trees again and again, a third of the time
    try:
        closure.reach(entries)
    finally:
        if collects:
            gc.enable()
    return closure


class _Closure:
    """All definitions that can be reached from somewhere.

    Attributes:
        digests: of the definitions, by name.
        in_full: paths of the settings of registries that are reached with all members.
        named: names that the code itself asks of registries for, by path of the setting.
    """

    def __init__(self, choices: Mapping[str, tuple[str, ...]]) -> None:
        self.digests: dict[str, str] = {}
        self.in_full: set[str] = set()
        self.named: dict[str, set[str]] = defaultdict(set)
        self._choices = choices
        self._seen: set[str] = set()
        self._pending: list[tuple[Module, Definition]] = []
        self._imported: set[str] = set()
        self._open: set[str] = set()
        self._attributes: set[str] = set()

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of all definitions, once they are reached."""
        return short_hash(self.digests)

    def reach(self, entries: tuple[str, ...]) -> None:
        """Follow entry points to the end."""
        for entry in entries:
            module, _, name = entry.partition(":")
            self._take(module, (name,) if name else ())
        self._read_pending()
        while self._take_attributes():
            self._read_pending()

    def _take(self, module: str, names: tuple[str, ...]) -> None:
        """Reach `a.b.c` of a module; the module as a value if nothing, or a lookup, is left."""
        self._import(module)
        if not names or names[0].startswith(LOOKUP):
            self._open.add(module)
        elif names[0] in (found := load_module(module)) or names[0] in found.imports:
            self._follow(found, names)
        elif is_module(f"{module}.{names[0]}"):
            self._take(f"{module}.{names[0]}", names[1:])
        else:  # such as __name__
            self._open.add(module)
            self._attributes.add(ANY)

    def _follow(self, module: Module, names: tuple[str, ...]) -> None:
        """Reach `a.b.c` from within a module, where `a` may also be a builtin."""
        if names[0] in module.imports:
            self._follow_import(module.imports[names[0]], names[1:])
        if names[0] in module:
            for member in self._members(module, *names[:2]):
                self._define(module, names[0], member)

    def _follow_import(self, imported: Imported, names: tuple[str, ...]) -> None:
        if imported.is_ours:
            self._take(imported.module, (imported.name, *names) if imported.name else names)

    def _members(self, module: Module, name: str, use: str = "") -> list[str] | list[None]:
        """Members of a registry that are reached by a use of it; none stands for a whole."""
        registry = module.registry(name) if use.startswith(LOOKUP) else None
        if registry is None:
            return [None]
        if use == LOOKUP:
            members = self._choices.get(registry.setting, ())
        else:
            members = tuple(use.removeprefix(NAMED).split(","))
            self.named[registry.setting].update(members)
        return list(members) if members and registry.members.keys() >= set(members) else [None]

    def _define(self, module: Module, name: str, member: str | None) -> None:
        label = f"{module.name}:{name}" + ("" if member is None else f"[{member}]")
        if member is None and (registry := module.registry(name)):
            self.in_full.add(registry.setting)
        if label not in self._seen:
            self._seen.add(label)
            definition = module.definition(name, member)
            if definition.digest:
                self.digests[label] = definition.digest
            self._pending.append((module, definition))

    def _follow_type(self, module: Module, names: tuple[str, ...]) -> None:
        """Reach classes from which the type of a key is made, and nothing else of it."""
        if (found := resolve(module, names)) is None:
            return
        home, name = found
        if home.class_of(name):
            self._import(home.name)
            self._define(home, name, None)
        else:
            for parts in home.names_in(name):
                self._follow_type(home, parts)

    def _read_pending(self) -> None:
        """Follow what definitions use, until nothing is new."""
        while self._pending:
            module, definition = self._pending.pop()
            self._attributes |= definition.attributes
            for imported in filter(is_module, definition.modules):
                self._import(imported)
            for names in definition.uses:
                if names[0] in definition.imports:
                    self._follow_import(definition.imports[names[0]], names[1:])
                self._follow(module, names)
            for names in definition.types:
                self._follow_type(module, names)

    def _take_attributes(self) -> bool:
        """Reach what may be taken of modules that are used as values; whether that is anything."""
        for module in map(load_module, sorted(self._open)):
            for name in module:
                if name in self._attributes or ANY in self._attributes:
                    self._follow(module, (name,))
        return bool(self._pending)

    def _import(self, module: str) -> None:
        """Reach what runs when a module is imported, and what its own imports run."""
        if module in self._imported:
            return
        self._imported.add(module)
        parent = module.rpartition(".")[0]
        found = load_module(module)
        if OTHERS in found:
            self._define(found, OTHERS, None)
        for imported in sorted(filter(None, {parent, *found.modules})):
            self._import(imported)
