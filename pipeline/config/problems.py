"""All that is wrong with a config, a line each: key, value, remedy, and where it was written."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.names import KnownKeys, did_you_mean

_LONGEST_VALUE = 200
_MOST_LISTED = 10
"""Words that a value may be, if the nearest is told as well."""
_MOST_TOLD = 50
"""Problems."""
_REMEDIES = {
    "int_type": "write a whole number, such as 1000, without quotes or separators",
    "float_type": "write a number, such as 0.001 or 1e-3, without quotes or separators",
    "bool_type": "write true or false",
    "string_type": "put it in quotes",
}


def describe_problems(
    error: ValidationError, content: Mapping[str, Any], schema: Mapping[str, Any]
) -> list[str]:
    """A line for each key with a problem, in the order of the config; of very many, the first.

    Args:
        error: of validation.
        content: what was validated.
        schema: JSON schema of the config, for the right names.
    """
    problems = error.errors(include_url=False)
    found = [(_place(problem, content), problem) for problem in problems[:_MOST_TOLD]]
    known, lines = KnownKeys(schema), []
    for _, group in groupby(found, lambda pair: (pair[0].keys, pair[0].of_key)):
        places, of_key = zip(*group, strict=True)
        lines += _lines(places[0], of_key, known)
    further = len(problems) - len(found)
    return [*lines, f"and {further} more, told when these are mended"] if further else lines


class _Place(NamedTuple):
    """Where a problem is.

    Attributes:
        keys: of the config on the way to it.
        of_key: whether the last key is the problem, rather than its value.
        section: that the last key is looked for in.
        written: file and line of the last key that is known, or nothing.
    """

    keys: tuple[str, ...]
    of_key: bool
    section: Mapping[str, Any]
    written: str


def _place(problem: ErrorDetails, content: Mapping[str, Any]) -> _Place:
    """Place of a problem, without the kinds and alternatives that pydantic puts between keys."""
    keys: list[str] = []
    section, written = content, ""
    value: Any = content
    for part in problem["loc"]:
        in_section = isinstance(value, Mapping) and part in value
        if in_section or (isinstance(value, list) and isinstance(part, int)):
            if in_section:
                section, written = value, getattr(value, "places", {}).get(part, written)
            value = value[part]
            keys.append(str(part))
    if problem["type"] == "missing":
        keys.append(str(problem["loc"][-1]))
        section = value
    return _Place(tuple(keys), problem["loc"][-1:] == ("[key]",), section, written)


def _lines(place: _Place, problems: Sequence[ErrorDetails], known: KnownKeys) -> list[str]:
    first = problems[0]
    key, value = ".".join(map(_legible, place.keys)), first["input"]
    shown = "" if isinstance(value, dict) or not key else f" = {_short(value)}"
    end = f" ({place.written})" if place.written else ""
    if first["type"] == "value_error":
        reasons = first["msg"].removeprefix("Value error, ").split("\n")
    elif first["type"] == "missing":
        return [f"{key} is missing; every key of config.yaml needs a value{end}"]
    elif first["type"] == "extra_forbidden":
        reasons = [f"there is no such key{known.instead_of(place.keys, place.section)}"]
    else:
        reasons = [_reason(problems)]
    named = key or ("''" if place.keys else "")  # an empty name is a name, and none is the config
    return [f"{named}{shown}: {reason}{end}" if named else reason for reason in reasons]


def _reason(problems: Sequence[ErrorDetails]) -> str:
    """What a value must be, of all alternatives there are, and the remedy."""
    musts = [_must(problem) for problem in problems]
    others = [re.sub(r"^must be ", "", must) for must in musts[1:]]
    allowed = [name for problem in problems for name in _literals(problem)]
    remedies = [_REMEDIES[p["type"]] for p in problems if p["type"] in _REMEDIES]
    value = problems[0].get("ctx", {}).get("tag", problems[0]["input"])
    close = did_you_mean(value, allowed) if isinstance(value, str) else ""
    if close and len(allowed) > _MOST_LISTED:
        return f"there is no such name{close}"
    remedy = close or "".join(f"; {remedy}" for remedy in remedies[:1])
    return " or ".join([musts[0], *others]) + remedy


def _must(problem: ErrorDetails) -> str:
    if problem["type"] == "union_tag_invalid":
        return f"kind = {_short(problem['ctx']['tag'])} must be {_either(_literals(problem))}"
    if problem["type"] == "union_tag_not_found":
        return "kind is missing, which says what the other keys are"
    if problem["type"] in ("model_type", "dict_type"):
        return "must be a section, keys with values"
    message = problem["msg"].replace("Input should", "must", 1)
    return message.replace("less than or equal to", "at most").replace(
        "greater than or equal to", "at least"
    )


def _literals(problem: ErrorDetails) -> list[str]:
    """Words that a value may be."""
    context = problem.get("ctx", {})
    return re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))


def _either(names: Sequence[str]) -> str:
    *most, last = [repr(name) for name in names]
    return f"{', '.join(most)} or {last}" if most else last


def _legible(key: str) -> str:
    return key if key.isprintable() and len(key) <= _LONGEST_VALUE else _short(key)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
