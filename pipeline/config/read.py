"""Read YAML as people write it: numbers and words as in YAML 1.2, and no key twice.

PyYAML follows YAML 1.1, where 010 is 8, 1:20 is 80, `no` is false and 1e-4 is text, and takes the
last of two equal keys. Here plain numbers are decimal (0x and 0o for others), 1e-4 and 1e5 are
numbers, the second an integer, only true and false are truth values, and a key stands once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline.base.errors import PipelineError, one_line

DEEPEST = 32
"""Levels of lists and sections in one another."""
MOST_VALUES = 1_000_000
"""Values of a file, each counted wherever an alias repeats it."""
LONGEST_NUMBER = 100
"""Characters of a number."""

_PARSER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""Both read the same YAML; that of libyaml also reads JSON with tabs between its values."""
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_WORD = re.compile(r"[tT]rue|TRUE|[fF]alse|FALSE|[nN]ull|NULL|~|")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Content(dict[str, Any]):
    """Keys and values of a section as they were written.

    Attributes:
        places: file and line of each key, for messages; keys without one come from elsewhere.
    """

    def __init__(self, values: Mapping[str, Any], places: Mapping[str, str]) -> None:
        super().__init__(values)
        self.places = dict(places)


def read_file(path: Path) -> Content:
    """Keys and values of a YAML or JSON file.

    Raises:
        PipelineError: it is no such file, has a key twice, or is nested or repeats itself beyond
            all use; one line names file, line and remedy.
    """
    name = _shown(path)
    try:
        value = _Reader(name).read(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = one_line(error)
        raise PipelineError(f"config: {name} cannot be read as YAML: {reason}") from error
    if not isinstance(value, Content):
        raise PipelineError(f"config: {name} must hold keys and values, not {value!r:.100}")
    return value


def read_entries(entries: Sequence[str]) -> Content:
    """Keys and values of `--config key=value ...`, the values as in a file.

    Raises:
        PipelineError: as for files.
    """
    values = {}
    for entry in entries:
        key, _, text = entry.partition("=")
        name = f"--config {key}"
        if key in values:
            raise PipelineError(f"config: {name} is given twice; keep one")
        try:
            values[key] = _Reader(name).read(text)
        except (yaml.YAMLError, UnicodeError) as error:
            reason = one_line(error)
            raise PipelineError(f"config: {name} cannot be read as YAML: {reason}") from error
    return Content(values, dict.fromkeys(values, "--config"))


def _shown(path: Path) -> str:
    """A path from the working directory, if it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


class _Reader:
    """Builds values from the events of the one document of a text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._events: Iterator[yaml.Event] = iter(())

    def read(self, text: str) -> object:
        self._events = iter(yaml.parse(text, Loader=_PARSER))
        next(self._events)  # start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), 0)
        next(self._events)  # end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._refuse(after, "a second document begins; keep one")
        return value

    def _value(self, event: yaml.Event, depth: int) -> object:
        """Value that begins with an event, below `depth` lists and sections."""
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event)
        if event.tag is not None:
            self._refuse(event, f"{event.tag} is a tag; write the value without it")
        if depth > DEEPEST:
            self._refuse(event, f"more than {DEEPEST} lists and sections are nested; write fewer")
        before = self._count
        self._grow(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self._value(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)]
        else:
            value = self._section(depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _section(self, depth: int) -> Content:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for event in self._until(yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "a list, section or alias stands for a key; write a name")
            key, line = event.value, event.start_mark.line + 1
            if key in lines:
                self._refuse(event, f"the key {key!r} stands in line {lines[key]} too; keep one")
            lines[key] = line
            values[key] = self._value(next(self._events), depth + 1)
        return Content(values, {key: f"{self._name}, line {line}" for key, line in lines.items()})

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        """First events of the values in a list, or of the keys in a section."""
        while not isinstance(event := next(self._events), end):
            yield event

    def _repeated(self, event: yaml.AliasEvent) -> object:
        if event.anchor not in self._anchors:
            self._refuse(event, f"*{event.anchor} repeats nothing that ends above it")
        value, size = self._anchors[event.anchor]
        self._grow(event, size)
        return value

    def _grow(self, event: yaml.Event, size: int) -> None:
        self._count += size
        if self._count > MOST_VALUES:
            self._refuse(event, f"there are more than {MOST_VALUES} values; write fewer")

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        text = event.value
        if event.style:  # quoted, or a block
            return text
        if _WORD.fullmatch(text):
            return _WORDS[text.lower()]
        if _NOT_FINITE.fullmatch(text):
            return float(text.replace(".", ""))
        if _FLOAT.fullmatch(text) or _OTHER_BASE.fullmatch(text):
            if len(text) > LONGEST_NUMBER:
                self._refuse(event, f"a number of {len(text)} characters; write a shorter one")
            return _number(text)
        return text

    def _refuse(self, event: yaml.Event, reason: str) -> None:
        line = event.start_mark.line + 1
        raise PipelineError(f"config: {self._name}, line {line}: {reason}")


def _number(text: str) -> int | float:
    """The number; 1e5 is an integer, as nobody writes a size so to mean a fraction."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    value = float(text)
    return int(value) if value.is_integer() and "." not in text else value
