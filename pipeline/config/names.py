"""The right names for wrong ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

_MOST_PLACES = 5
_LONGEST = 100
"""Characters of a name that are compared."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """What to say after a wrong name: the known one that is most like it, or nothing."""
    alike = {_plain(other): other for other in known}
    close = get_close_matches(_plain(str(name)[:_LONGEST]), alike, 1, cutoff=0.5)
    return f"; did you mean {alike[close[0]]!r}?" if close else ""


class KnownKeys:
    """Keys that the sections of a config have.

    Args:
        schema: JSON schema of the config.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def instead_of(self, keys: Sequence[str], section: Mapping[str, Any]) -> str:
        """What to say after the unknown last one of `keys`, which stands in `section`."""
        known = self._of(keys[:-1], section)
        longer = [name for name in known if name.endswith(f"_{keys[-1]}")]
        elsewhere = self._elsewhere(keys[-1].split("."))
        if len(longer) == 1:
            return f"; did you mean {longer[0]!r}?"
        if elsewhere and ".".join(keys) not in elsewhere:  # else it is of another kind
            return f"; did you mean {' or '.join(elsewhere)}?"
        if close := did_you_mean(keys[-1], known):
            return close
        return f"; keys are {', '.join(known)}" if known else ""

    def _of(self, keys: Sequence[str], section: Mapping[str, Any]) -> list[str]:
        """Keys of the section at a place, of its kind where there are several."""
        sections = [self._schema]
        for key in keys:
            inner = (self._inner(one, key) for one in sections)
            sections = [option for found in inner for option in self._options(found)]
        kind = section.get("kind")
        of_kind = [one for one in sections if kind in _kinds(one, kind)]
        return list({key: None for one in of_kind for key in one.get("properties", {})})

    def _elsewhere(self, names: Sequence[str]) -> list[str]:
        """The few places whose last keys are `names`, none if there are more."""
        ends = tuple(names)
        found = [
            ".".join(place) for place in self._places(self._schema) if place[-len(ends) :] == ends
        ]
        return found if len(found) <= _MOST_PLACES else []

    def _places(self, section: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
        for key, inner in section.get("properties", {}).items():
            yield (key,)
            for option in self._options(inner):
                yield from ((key, *place) for place in self._places(option))

    def _inner(self, section: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        if key.isdecimal():
            return section.get("items", {})
        return section.get("properties", {}).get(key, {})

    def _options(self, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """A schema, or those of which it is one, references followed."""
        if "$ref" in schema:
            return self._options(self._schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
        several = schema.get("anyOf", schema.get("oneOf"))
        if several is None:
            return [schema]
        return [option for one in several for option in self._options(one)]


def _kinds(section: Mapping[str, Any], default: object) -> list[object]:
    """Kinds that a section may be of; `default` where it has none."""
    kind = section.get("properties", {}).get("kind", {})
    return kind.get("enum", [kind.get("const", default)])


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
