"""Code fingerprints: what an edit must change and what it must leave alone."""

import hashlib
import json

import pytest

from pipeline.base.canonical import canonical_json, short_hash
from pipeline.base.section import Section
from pipeline.stages import definitions, provenance
from pipeline.stages.definitions import module_imports
from pipeline.stages.provenance import named_choices, reachable_code

SOURCES = {
    "__init__.py": "",
    "stage.py": '"""Stage."""\n\nimport numpy as np\nfrom pipeline.sub import helper\n'
    "from pipeline.losses import LOSSES\nfrom pipeline.kinds import Row, make\n\n"
    'def run(part, x: "np.ndarray"):\n    """Run."""\n    part.build(x)\n'
    "    loss = LOSSES[x]\n    return helper.f(np.abs(x)) + 1\n\n"
    "def other():\n    return make(Row(1))\n\n"
    "def shadows(make, *, size=0):\n    def inner(part=size):\n        return make + part\n"
    "    return [helper for helper in inner()]\n\n"
    "def everything():\n    return list(LOSSES)\n\n"
    'def some():\n    return LOSSES.named("square")\n',
    "sub/__init__.py": "",
    "loud.py": "import sys\n\nsys.setrecursionlimit(4000)\n",
    "less_loud.py": "import sys\n\nsys.setrecursionlimit(3000)\n",
    "sub/helper.py": "from pipeline import late\n\ndef f(x):\n    return late.g(x)\n\n"
    "def unused():\n    return late\n",
    "late.py": 'SIZE = 3\n"""What the size is."""\nOTHER = 4\n\ndef g(x):\n'
    "    import pipeline.lazy as lazy\n    return lazy.h(x) * SIZE\n\n"
    "def named_by_nobody():\n    return OTHER\n",
    "lazy.py": "import sys\nfrom typing import TYPE_CHECKING\n"
    "from pipeline.sub.helper import f\n\nif TYPE_CHECKING:\n"
    "    from pipeline.loud import Loud\nelse:\n    import pipeline.less_loud\n\n"
    "sys.setrecursionlimit(2000)\n\ndef h(x):\n    return -x\n",
    "base/__init__.py": "",
    "base/choices.py": "class Choices(dict):\n    pass\n",
    "losses.py": "from pipeline.base.choices import Choices\n\ndef _square(x):\n    return x**2\n\n"
    "def _power(x):\n    return x**3\n\n"
    'LOSSES = Choices("training.loss", {"square": _square, "power": _power})\n',
    "kinds.py": "Size = int\nText = str\n\nclass Base:\n    pass\n\nclass Row(Base):\n"
    '    size: "Size"\n    def text(self) -> "Text":\n        return ""\n\n'
    "def make(row: Row) -> Text:\n    total: Text = row.size\n    return total\n",
    "part.py": "def build(x):\n    return x + 1\n\ndef ignored(x):\n    return x + 2\n",
    "unused.py": "z = 1\n",
    "base/section.py": "class Section:\n    model_config = dict(strict=True)\n\n"
    "    def plain(self):\n        return vars(self)\n",
    "ranges.py": "from typing import Annotated\n\nWidth = Annotated[int, 3]\n",
    "settings.py": "from typing import Annotated\n\nfrom pipeline import ranges as r\n"
    "from pipeline.base.section import Section\nfrom pipeline.ranges import Width\n\n"
    'class Inner(Section):\n    """Inner."""\n    size: Width\n\n    @property\n'
    "    def area(self):\n        return self.size**2\n\n"
    "class Other(Section):\n    depth: r.Width\n\nEither = Annotated[Inner | Other, 1]\n\n"
    'class Outer(Section):\n    inner: "Either"\n    """Inside."""\n\n'
    "    def _problems(self):\n        yield _check(self)\n\n"
    "    @model_validator(mode='after')\n    def _right(self):\n        return _check(self)\n\n"
    "def _check(outer):\n    return outer.inner\n",
    "job.py": "from pipeline.settings import Outer\n\n"
    "def start(spec: Outer):\n    return spec.inner.area\n",
}
JOB = ("pipeline.job:start", "pipeline.settings:Outer")
RUN = ("pipeline.stage:run", "pipeline.part")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in place of the pipeline's own; call it to edit a file."""

    def write(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        forget()

    monkeypatch.setattr(definitions, "_ROOT", tmp_path)
    for name, text in SOURCES.items():
        write(name, text)
    yield write
    forget()


def forget():
    for function in (definitions.load_module, definitions.is_module):
        function.cache_clear()
    for function in (provenance._reach, provenance._settle):
        function.cache_clear()


def code(*entries, **choices):
    return reachable_code(entries, {"training.loss": [choices["loss"]]} if choices else {})


def changes(package, edit, entries, **choices):
    name, old, new = edit
    before = code(*entries, **choices)
    assert old in SOURCES[name]
    package(name, SOURCES[name].replace(old, new, 1))
    return code(*entries, **choices).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    "edit",
    [
        ("stage.py", '"""Stage."""', '"""Another text."""'),
        ("stage.py", '"""Stage."""\n', ""),
        ("stage.py", '    """Run."""\n', ""),
        ("stage.py", "\n\ndef", "\n\n\n# a comment\ndef"),
        ("stage.py", "helper.f(np.abs(x)) + 1", "(helper.f(np.abs(x))\n+ 1)  # why"),
        ("stage.py", '"np.ndarray"', "list[int]"),
        ("stage.py", "import numpy as np\n", "import numpy as np\nimport math\n"),
        ("stage.py", "Row(1)", "Row(2)"),
        ("late.py", '"""What the size is."""', '"""What else the size is."""'),
        ("late.py", "OTHER = 4", "OTHER = 5"),
        ("late.py", "return OTHER", "return -OTHER"),
        ("lazy.py", "import f", "import f as g"),
        ("lazy.py", "Loud\n", "Loud, Mute\n"),
        ("loud.py", "4000", "5000"),
        ("losses.py", "x**3", "x**4"),
        ("losses.py", ', "power": _power', ""),
        ("losses.py", '"power": _power', '"power": _power, "new": abs'),
        ("part.py", "x + 2", "x + 3"),
        ("unused.py", "z = 1", "z = 2"),
    ],
)
def test_documentation_format_types_and_what_is_not_reached_do_not_count(package, edit):
    assert not changes(package, edit, RUN, loss="square")


@pytest.mark.parametrize(
    "edit",
    [
        ("stage.py", "+ 1", "+ 2"),
        ("stage.py", "import numpy as np", "import torch as np"),
        ("stage.py", "from pipeline.sub import helper", "import math as helper"),
        ("sub/helper.py", "late.g(x)", "-late.g(x)"),
        ("late.py", "SIZE = 3", "SIZE = 4"),
        ("late.py", "SIZE = 3\n", "SIZE = 3\nSIZE += 1\n"),
        ("late.py", "import pipeline.lazy", "import pipeline.part"),
        ("lazy.py", "return -x", "return x"),
        ("lazy.py", "2000", "3000"),
        ("less_loud.py", "3000", "5000"),
        ("losses.py", "x**2", "x**4"),
        ("losses.py", '"square": _square', '"square": _power'),
        ("part.py", "x + 1", "x + 3"),
        ("base/choices.py", "pass", "size = 1"),
    ],
)  # fmt: skip
def test_an_edit_of_what_is_reached_counts_however_far_it_is(package, edit):
    assert changes(package, edit, RUN, loss="square")


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("Size = int", "Size = float", True),
        ("size: ", "length: ", True),
        ("Text = str", "Text = bytes", False),
        ("    pass", "    size = 0", True),
        ("return total", "return -total", True),
    ],
)
def test_types_count_where_a_class_may_read_them(package, old, new, counts):
    assert changes(package, ("kinds.py", old, new), ["pipeline.stage:other"]) == counts


@pytest.mark.parametrize(
    ("decorator", "counts"),
    [("cache", False), ("dataclass(frozen=True)", False), ("g.register", True), ("known(1)", True)],
)
def test_what_a_decorator_may_put_elsewhere_counts_as_soon_as_it_is_imported(
    package, decorator, counts
):
    package("late.py", f"{SOURCES['late.py']}\n@{decorator}\ndef by_itself():\n    pass\n")
    names = code(*RUN, loss="square").definitions.keys()
    assert ("pipeline.late:" in names) == counts


@pytest.mark.parametrize(
    "edit",
    [
        ("settings.py", "size: Width", "size: int"),
        ("settings.py", '"""Inner."""', '"""Within."""'),
        ("settings.py", '"""Inside."""', '"""Not outside."""'),
        ("settings.py", "depth: r.Width", "depth: r.Width\n    more: int = 3"),
        ("settings.py", "yield _check(self)", "yield from ()"),
        ("settings.py", "return _check(self)", "return self"),
        ("settings.py", "return outer.inner", "return outer"),
        ("settings.py", "Inner | Other, 1]", "Inner | Other, 2]"),
        (
            "settings.py",
            "class Other(Section)",
            "class New(Section):\n    x: int\n\nclass Other(New)",
        ),
        ("ranges.py", "[int, 3]", "[int, 4]"),
        ("base/section.py", "strict=True", "strict=False"),
    ],
)
def test_what_sections_say_of_their_keys_does_not_count(package, edit):
    assert not changes(package, edit, JOB)


@pytest.mark.parametrize(
    "edit",
    [
        ("settings.py", "self.size**2", "self.size**3"),
        (
            "settings.py",
            "class Other(Section):\n",
            "class Other(Section):\n    def f(self): ...\n\n",
        ),
        ("base/section.py", "return vars(self)", "return dict(vars(self))"),
        ("settings.py", "class Outer(Section)", "class Outer"),
    ],
)
def test_what_sections_compute_counts_also_of_those_within(package, edit):
    assert changes(package, edit, JOB)


def test_a_section_is_one_however_it_is_imported(package):
    code_of_job = "from pipeline import settings as s\n\nclass More(s.Inner):\n    x: int\n\n"
    package("job.py", f"{code_of_job}def start(spec: More):\n    return spec.area\n")
    names = code("pipeline.job:start", "pipeline.job:More").definitions
    assert "pipeline.settings:Inner" in names
    assert not {"pipeline.job:More", "pipeline.ranges:Width"} & names.keys()


def test_the_class_that_sections_derive_from_is_there():
    module, name = definitions.SECTION
    assert (Section.__module__, Section.__name__) == (module, name)


def test_names_that_are_bound_inside_a_function_are_not_those_of_the_module(package):
    assert set(code("pipeline.stage:shadows").definitions) == {"pipeline.stage:shadows"}


def test_of_a_registry_the_member_counts_that_the_settings_name(package):
    named = code(*RUN, loss="power")
    assert named.choices == {"training.loss": ["power"]}
    members = {name for name in named.definitions if name.startswith("pipeline.losses")}
    assert members == {"pipeline.losses:LOSSES[power]", "pipeline.losses:_power"}


@pytest.mark.parametrize("choices", [{}, {"loss": "of another registry"}])
def test_a_registry_counts_as_a_whole_where_no_member_is_named(package, choices):
    found = code(*RUN, **choices)
    assert found.choices == {}
    both = {"pipeline.losses:LOSSES", "pipeline.losses:_power", "pipeline.losses:_square"}
    assert found.definitions.keys() >= both


def test_a_registry_counts_as_a_whole_where_code_goes_through_it(package):
    found = code("pipeline.stage:everything", *RUN, loss="power")
    assert found.choices == {}
    assert found.definitions.keys() >= {"pipeline.losses:_power", "pipeline.losses:_square"}


def test_what_code_asks_a_registry_for_counts_too(package):
    found = code("pipeline.stage:some", *RUN, loss="power")
    assert found.choices == {"training.loss": ["power", "square"]}
    names = {"pipeline.losses:LOSSES[power]", "pipeline.losses:LOSSES[square]"}
    assert found.definitions.keys() >= names
    assert "pipeline.losses:LOSSES" not in found.definitions
    assert reachable_code(("pipeline.stage:some", *RUN), found.choices) == found


def test_a_registry_whose_members_cannot_be_told_apart_is_an_error(package):
    package("losses.py", SOURCES["losses.py"].replace('"power": _power', "**{}"))
    with pytest.raises(ValueError, match=r"pipeline\.losses\.LOSSES must be a Choices of"):
        code(*RUN, loss="square")


@pytest.mark.parametrize(
    "taking", ["getattr(part, name)", "part.__dict__[name]", "vars(part)[name]", "f(getattr)"]
)
def test_attributes_that_are_named_at_run_time_may_be_any(package, taking):
    package("stage.py", f"def run(part, name, f=id):\n    return {taking}\n")
    names = {"pipeline.part:build", "pipeline.part:ignored"}
    assert code(*RUN).definitions.keys() >= names


def test_an_attribute_that_getattr_spells_out_is_that_one(package):
    package("stage.py", 'def run(part):\n    return getattr(part, "ignored", None)\n')
    assert [name for name in code(*RUN).definitions if "part" in name] == ["pipeline.part:ignored"]


@pytest.mark.parametrize("line", ["from pipeline.late import *", "from . import late"])
def test_an_import_that_hides_what_it_imports_is_an_error(package, line):
    package("stage.py", f"{line}\n{SOURCES['stage.py']}")
    with pytest.raises(ValueError, match="imports must name their module and what they import"):
        code(*RUN)


def test_imports_are_found_in_every_form(package):
    assert module_imports("pipeline.sub.helper") == ("pipeline", "pipeline.late")
    assert module_imports("pipeline.late") == ("pipeline.lazy",)
    assert module_imports("pipeline.lazy") == (
        "pipeline.less_loud",
        "pipeline.loud",
        "pipeline.sub.helper",
    )


def test_a_missing_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"pipeline\.absent"):
        code("pipeline.absent")


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ([{"training": {"loss": "a"}}], ("a",)),
        ([{"training": {"loss": {"kind": "a", "steps": 2}}}], ("a",)),
        ([{"training": {"loss": "b"}}, {"training": {"loss": "a"}}, {}], ("a", "b")),
        ([{"training": {"loss": None}}, {"training": "a"}, {"loss": "a"}], None),
    ],
)
def test_settings_name_a_member_by_its_path_or_its_kind(package, settings, names):
    assert named_choices(RUN, *settings) == ({"training.loss": names} if names else {})


def test_canonical_json_is_json_that_ignores_the_order_of_keys():
    value = {"b": [1, 2.5, None], "a": {"d": True, "c": "x"}}
    assert json.loads(canonical_json(value)) == value
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))
    assert " " not in canonical_json(value)
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_a_short_hash_is_the_start_of_the_sha256():
    assert short_hash({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()[:16]
