"""`python -m pipeline.documents.config_keys docs/config.md`: a table of every key of the config."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.errors import PipelineError
from pipeline.config.read import read_file
from pipeline.config.schema import Config
from pipeline.documents.arguments import arguments
from pipeline.documents.origins import ORIGINS, origins
from pipeline.documents.paste import paste

_CONFIG = Path(__file__).parents[2] / "config.yaml"
_LONGEST = 60
"""Characters of a value that are shown."""
_KINDS = {"boolean": "true, false", "string": "text", "object": "section"}
_KINDS |= {"integer": "whole number"}
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


class Key(NamedTuple):
    """A key of the config.

    Attributes:
        name: dotted; `[]` stands for every entry of a list.
        value: of config.yaml, as JSON; empty where that has none, or another kind of section.
        origin: whose choice that value is; empty where there is none.
        allowed: which values are.
        meaning: a sentence or more.
    """

    name: str
    value: str
    origin: str
    allowed: str
    meaning: str


def config_keys() -> Iterator[Key]:
    """Every key that is no section, in the order of the types."""
    schema, whose = Config.model_json_schema(), origins(_CONFIG)
    for key in _keys(schema, schema, read_file(_CONFIG), ""):
        yield key._replace(origin=whose.get(key.name, "") if key.value else "")


def config_table() -> str:
    """What words of origin mean, and a part of Markdown for every section with keys of its own."""
    tables: dict[str, list[Key]] = {}
    for key in config_keys():
        tables.setdefault(_section(key.name), []).append(key)
    words = "".join(f"| {word} | {meaning} |\n" for word, meaning in ORIGINS.items())
    legend = f"| whose | the value in config.yaml is |\n|---|---|\n{words}"
    return "\n".join([legend, *(_table(section, keys) for section, keys in tables.items())])


def _section(name: str) -> str:
    """Up to the section of a domain, in which deeper keys stand too."""
    parts = name.split(".")[:-1]
    return ".".join(parts[: 3 if parts[:1] == ["domains"] else 1])


def _table(section: str, keys: list[Key]) -> str:
    start = f"{section}." if section else ""
    rows = [
        f"| `{key.name.removeprefix(start)}` | {key.value} | {key.origin} | {key.allowed} "
        f"| {key.meaning} |\n"
        for key in keys
    ]
    head = "| key | config.yaml | whose | allowed | meaning |\n|---|---|---|---|---|\n"
    return f"### {section or 'run, figures'}\n\n{head}{''.join(rows)}"


def _keys(
    root: Mapping[str, Any], section: Mapping[str, Any], values: object, prefix: str
) -> Iterator[Key]:
    known = values if isinstance(values, Mapping) else {}
    for name, inner in section.get("properties", {}).items():
        path, value = f"{prefix}{name}", known.get(name)
        options = list(_options(root, inner))
        sections = [option for option in options if "properties" in option]
        entries = [o for option in options for o in _options(root, option.get("items", {}))]
        of_entries = [entry for entry in entries if "properties" in entry]
        for option in sections:
            yield from _keys(root, option, value, f"{path}.")
        for entry in of_entries:
            first = value[0] if isinstance(value, list) and value else None
            yield from _keys(root, entry, first, f"{path}[].")
        if not sections and not of_entries:
            of_this_kind = value in inner.get("enum", [inner.get("const", value)])
            shown = _shown(value) if name in known and of_this_kind else ""
            meaning = " ".join(inner.get("description", "").split())
            yield Key(path, shown, "", _escaped(_allowed(options, entries)), _escaped(meaning))


def _options(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema, or those of which it is one, references followed."""
    if "$ref" in schema:
        yield from _options(root, root["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
    elif several := schema.get("anyOf", schema.get("oneOf")):
        for one in several:
            yield from _options(root, one)
    else:
        yield schema


def _allowed(options: list[Mapping[str, Any]], entries: list[Mapping[str, Any]]) -> str:
    if any("items" in option for option in options):
        return f"list of {_allowed(entries, [])}"
    return " or ".join(dict.fromkeys(map(_one_allowed, options)))


def _one_allowed(option: Mapping[str, Any]) -> str:
    if "const" in option:
        return f"{option['const']}"
    if "enum" in option:
        return ", ".join(map(str, option["enum"]))
    bounds = [f"{sign} {_number(option[name])}" for name, sign in _BOUNDS.items() if name in option]
    kind = option.get("type", "anything")
    return " ".join([_KINDS.get(kind, kind), ", ".join(bounds)]).strip()


def _number(value: float) -> str:
    return f"{value:g}" if value % 1 else f"{int(value)}"


def _shown(value: object) -> str:
    text = json.dumps(value)
    return f"`{text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'}`"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


if __name__ == "__main__":
    try:
        (page,) = map(Path, arguments("PAGE"))
        paste(page, "keys", config_table())
    except PipelineError as error:
        sys.exit(f"error: {error}")
