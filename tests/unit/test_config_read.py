"""YAML is read as people write it, and what can have several meanings is refused with its line."""

import json
import math

import pytest

from pipeline.base.errors import PipelineError
from pipeline.config.read import DEEPEST, MOST_VALUES, read_entries, read_file


def read(tmp_path, text, name="given.yaml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_file(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("-08", -8),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e-4", 1e-4),
        ("1E-4", 1e-4),
        ("5e-1", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e5", 100000),
        ("1e+3", 1000),
        ("1.5e3", 1500.0),
        ("1:20", "1:20"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("True", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'010'", "010"),
        ('"true"', "true"),
        ("''", ""),
        ("1e400", math.inf),
        ("-.inf", -math.inf),
    ],
)
def test_a_value_is_what_people_mean_in_files_and_on_the_command_line(tmp_path, text, value):
    for found in (
        read(tmp_path, f"key: {text}\n")["key"],
        read_entries([f"key={text}"])["key"],
        read_entries([f"key={{inner: [{text or 'null'}]}}"])["key"]["inner"][0],
    ):
        assert (type(found), found) == (type(value), value)


def test_keys_are_text_whatever_they_look_like(tmp_path):
    assert read(tmp_path, "on: 1\n010: 2\n'a b': 3\n") == {"on": 1, "010": 2, "a b": 3}


def test_nothing_is_told_of_a_number_but_that_it_is_none(tmp_path):
    assert math.isnan(read(tmp_path, "key: .nan")["key"])


def test_json_is_read_too_with_tabs_and_a_byte_order_mark(tmp_path):
    content = {"run": "mine", "domains": {"rhm": {"enabled": True, "sizes": [1, 2.5, None]}}}
    text = b"\xef\xbb\xbf" + json.dumps(content, indent="\t").encode()
    assert read(tmp_path, text, "given.json") == content


def test_an_alias_repeats_its_value(tmp_path):
    assert read(tmp_path, "a: &x [1, {b: 2}]\nc: *x\n")["c"] == [1, {"b": 2}]


def bomb(kind):
    """Nine levels of ten aliases each."""
    item = "[{}]" if kind == "lists" else "{{{}}}"
    lines = ["a0: &a0 [x, x]"]
    for level in range(1, 10):
        names = [f"*a{level - 1}" for _ in range(10)]
        inner = names if kind == "lists" else [f"k{i}: {name}" for i, name in enumerate(names)]
        lines.append(f"a{level}: &a{level} {item.format(', '.join(inner))}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"given\.yaml, line 3: the key 'a' stands in line 1 too; keep one"),
        ("a:\n  b: {c: 1}\n  b: {d: 2}\n", r"line 3: the key 'b' stands in line 2 too"),
        ("a: [{b: 1,\n b: 2}]\n", r"line 2: the key 'b' stands in line 1 too"),
        ("'a': 1\n\"a\": 2\n", r"line 2: the key 'a' stands in line 1 too"),
        ('{"a": 1, "a": 2}', r"line 1: the key 'a' stands in line 1 too"),
        ("a: " + "[" * 20_000 + "]" * 20_000, rf"line 1: more than {DEEPEST} lists and sections"),
        ("a: " + "{b: " * 900 + "1" + "}" * 900, rf"line 1: more than {DEEPEST} lists"),
        ("\n".join(" " * i + "a:" for i in range(500)), rf"more than {DEEPEST} lists and sections"),
        ("- " * 20_000 + "1", rf"more than {DEEPEST} lists and sections"),
        (bomb("lists"), rf"line \d: there are more than {MOST_VALUES} values"),
        (bomb("sections"), rf"line \d: there are more than {MOST_VALUES} values"),
        ("a: &a [*a]\n", r"line 1: \*a repeats nothing that ends above it"),
        ("a: *b\n", r"line 1: \*b repeats nothing that ends above it"),
        ("a: 1\n---\nb: 2\n", r"line 2: a second document begins"),
        ("a: !!int '3'\n", r"line 1: tag:yaml\.org,2002:int is a tag"),
        ("a: !!python/name:os.system\n", r"line 1: .*python/name:os\.system is a tag"),
        ("? [a]\n: 1\n", r"line 1: a list, section or alias stands for a key"),
        ("a: " + "9" * 5000, r"line 1: a number of 5000 characters"),
        ("a: [1\n", r"given\.yaml cannot be read as YAML: .*line 2"),
        (b"a: \xff\n", r"given\.yaml cannot be read as YAML: .*utf-8"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(tmp_path, text, message):
    with pytest.raises(PipelineError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_entry_of_the_command_line_is_refused_by_name():
    with pytest.raises(PipelineError, match=r"--config domains, line 1: the key 'a' stands in"):
        read_entries(["domains={a: 1, a: 2}"])
    with pytest.raises(PipelineError, match=r"--config domains cannot be read as YAML"):
        read_entries(["domains={a: 1"])


def test_files_below_the_working_directory_are_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=r"^config: given\.yaml, line 2: the key 'a'"):
        read(tmp_path, "a: 1\na: 2\n")


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (["run=a", "run=b"], "--config run is given twice; keep one"),
        (["run=a\udcff"], "--config run cannot be read as YAML"),
    ],
)
def test_an_entry_of_the_command_line_that_cannot_be_meant_is_refused(entries, reason):
    with pytest.raises(PipelineError, match=reason):
        read_entries(entries)
