"""Code fingerprints: what an edit must change and what it must leave alone."""

import hashlib
import json

import pytest

from pipeline.stages import provenance
from pipeline.stages.provenance import canonical_json, code_fingerprint, module_imports, short_hash

SOURCES = {
    "__init__.py": "",
    "stage.py": '"""Stage."""\n\nimport numpy as np\nfrom pipeline.sub import helper\n\n'
    'def run(x):\n    """Run."""\n    return helper.f(x) + 1\n',
    "sub/__init__.py": "",
    "sub/helper.py": "from pipeline import late\n\ndef f(x):\n    return late.g(x)\n",
    "late.py": 'SIZE = 3\n"""What the size is."""\n\ndef g(x):\n'
    "    import pipeline.lazy\n    return x * SIZE\n",
    "lazy.py": "from pipeline.sub.helper import f\n",
    "unused.py": "z = 1\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in place of the pipeline's own; call it to edit a file."""

    def write(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        forget()

    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    for name, text in SOURCES.items():
        write(name, text)
    yield write
    forget()


def forget():
    code_fingerprint.cache_clear()
    provenance._digest_and_imports.cache_clear()


def changes(package, name, old, new):
    before = code_fingerprint("pipeline.stage")
    assert old in SOURCES[name]
    package(name, SOURCES[name].replace(old, new))
    return code_fingerprint("pipeline.stage") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage.py", '"""Stage."""', '"""Another text."""'),
        ("stage.py", '"""Stage."""\n', ""),
        ("stage.py", '    """Run."""\n', ""),
        ("stage.py", "\n\ndef", "\n\n\n# a comment\ndef"),
        ("stage.py", "helper.f(x) + 1", "(helper.f(x)\n        + 1)  # why"),
        ("late.py", '"""What the size is."""', '"""What else the size is."""'),
        ("unused.py", "z = 1", "z = 2"),
    ],
)
def test_documentation_format_and_strangers_do_not_count(package, name, old, new):
    assert not changes(package, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage.py", "+ 1", "+ 2"),
        ("sub/helper.py", "late.g(x)", "-late.g(x)"),
        ("late.py", "SIZE = 3", "SIZE = 4"),
        ("lazy.py", "import f", "import f as g"),
    ],
)
def test_an_edit_of_code_counts_however_far_it_is_imported(package, name, old, new):
    assert changes(package, name, old, new)


def test_imports_are_found_in_every_form(package):
    assert module_imports("pipeline.stage") == ("pipeline.sub", "pipeline.sub.helper")
    assert module_imports("pipeline.sub.helper") == ("pipeline", "pipeline.late")
    assert module_imports("pipeline.late") == ("pipeline.lazy",)


def test_a_fingerprint_does_not_depend_on_the_order_of_modules(package):
    modules = ["pipeline.stage", "pipeline.unused"]
    assert code_fingerprint(*modules) == code_fingerprint(*modules[::-1])
    assert code_fingerprint(*modules) != code_fingerprint(modules[0])


def test_a_missing_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"pipeline\.absent"):
        code_fingerprint("pipeline.absent")


def test_canonical_json_is_json_that_ignores_the_order_of_keys():
    value = {"b": [1, 2.5, None], "a": {"d": True, "c": "x"}}
    assert json.loads(canonical_json(value)) == value
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))
    assert " " not in canonical_json(value)
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_a_short_hash_is_the_start_of_the_sha256():
    assert short_hash({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()[:16]
