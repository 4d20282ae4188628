"""Fetching with fake clients: what arrives, what is refused, and what the user is told."""

import hashlib
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from huggingface_hub.errors import GatedRepoError, RevisionNotFoundError
from huggingface_hub.utils import filter_repo_objects

from pipeline.base.errors import PipelineError
from pipeline.sources import fetch
from pipeline.sources.manifests import MANIFEST, check_manifest
from pipeline.sources.settings import HubFiles, HubModel, Package

INTERPRETER = sys.executable  # which tests replace
CONTENT = b"an archive"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "a" * 40
SOURCE = HubFiles(dataset="owner/name", revision="refs/convert/parquet", files="data/*.parquet")


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Installs a shell script as npm and as the interpreter that runs pip."""

    def install(body):
        directory = tmp_path / "bin"
        directory.mkdir(exist_ok=True)
        script = directory / "npm"
        script.write_text(f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/calls'\n{body}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(directory), prepend=":")
        monkeypatch.setattr(sys, "executable", str(script))

    return install


GIVE = """while [ $# -gt 1 ]; do
case "$1" in --pack-destination|-d) printf 'an archive' > "$2/client-chose-the-name";; esac
shift; done"""


def package(registry, sha256=SHA256):
    name = "@o/words" if registry == "npm" else "words"
    return Package(registry=registry, name=name, version="1.2", sha256=sha256)


def message_of(function, *arguments):
    with pytest.raises(PipelineError) as refused:
        function(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_a_killed_fetch_left_over_is_deleted(client, tmp_path):
    client("kill -9 $PPID")
    output = tmp_path / "resources" / "words.tgz"
    call = "from tests.unit.test_sources_fetch import fetch, package; from pathlib import Path; "
    call += f"fetch.fetch_package(package('npm'), Path({str(output)!r}))"
    killed = subprocess.run([INTERPRETER, "-c", call], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(output.parent.iterdir())
    client(GIVE)
    fetch.fetch_package(package("npm"), output)
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize(
    ("registry", "asked"), [("npm", "-- @o/words@1.2"), ("pypi", "/pinned.txt")]
)
def test_a_package_is_fetched_once(client, tmp_path, registry, asked):
    client(GIVE)
    output = tmp_path / "resources" / "words.tgz"
    for _ in range(2):
        fetch.fetch_package(package(registry), output)
        assert output.read_bytes() == CONTENT
        assert list(output.parent.iterdir()) == [output]
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.endswith(asked)
    assert ("--no-deps --only-binary :all: --require-hashes" in call) == (registry == "pypi")


def test_pip_is_told_the_hash_before_it_looks_into_anything(client, tmp_path):
    client(f"eval last=\\${{$#}}; cat $last > '{tmp_path}/asked'\n{GIVE}")
    fetch.fetch_package(package("pypi"), tmp_path / "resources" / "words.whl")
    asked = (tmp_path / "asked").read_text()
    assert asked == f"words==1.2 --hash=sha256:{SHA256}\n"


def test_a_client_that_says_what_is_no_text_is_repeated_in_one_line(client, tmp_path):
    client("printf 'ERROR: \\377\\n' >&2; exit 1")
    message = message_of(fetch.fetch_package, package("pypi"), tmp_path / "words.whl")
    assert "(ERROR: \ufffd)" in message


def test_a_damaged_file_is_fetched_again(client, tmp_path):
    client(GIVE)
    (tmp_path / "words.tgz").write_bytes(CONTENT[:-1])
    fetch.fetch_package(package("npm"), tmp_path / "words.tgz")
    assert (tmp_path / "words.tgz").read_bytes() == CONTENT


def test_other_content_than_pinned_is_refused_with_both_hashes(client, tmp_path):
    client(GIVE)
    output = tmp_path / "resources" / "words.tgz"
    message = message_of(fetch.fetch_package, package("npm", "0" * 64), output)
    assert f"has sha256 {SHA256}, not {'0' * 64}" in message
    assert not list(output.parent.iterdir())


@pytest.mark.parametrize("registry", ["npm", "pypi"])
@pytest.mark.parametrize(
    ("complaint", "repeated"),
    [
        ("npm warn x\nnpm error code E1\nnpm error no network", "npm error code E1 npm error no n"),
        ("WARNING: x\nERROR: no match", "(ERROR: no match)"),
        ("ERROR: x\n  y:\n   Expected sha256 a\n    Got b", "(ERROR: x Expected sha256 a Got b)"),
        ("No module named pip", "(No module named pip)"),
    ],
)
def test_what_the_client_complained_of_is_repeated(client, tmp_path, registry, complaint, repeated):
    client(f"cat >&2 <<'END'\n{complaint}\nEND\nexit 1")
    message = message_of(fetch.fetch_package, package(registry), tmp_path / "words.tgz")
    assert repeated in message
    assert "warn" not in message.lower()


@pytest.mark.parametrize("body", [f"{GIVE}\nexit 1", "exit 0"], ids=["fails", "leaves nothing"])
def test_a_client_that_fails_or_leaves_no_file_is_not_believed(client, tmp_path, body):
    client(body)
    message = message_of(fetch.fetch_package, package("npm"), tmp_path / "words.tgz")
    assert "cannot be fetched (no file came)" in message


def test_without_a_client_the_alternatives_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    message = message_of(fetch.fetch_package, package("npm"), tmp_path / "words.tgz")
    assert "npm does not run" in message
    assert f"put the file with sha256 {SHA256} at {tmp_path / 'words.tgz'} by hand" in message
    assert "choose another source in the config" in message


class Hub:
    """Stands for `snapshot_download` of two files; fails after `limit` new ones."""

    def __init__(self, limit):
        self.limit = limit
        self.files = {"data/0.parquet": b"0", "data/1.parquet": b"1"}
        self.listed = list(self.files)
        self.revisions = []

    def __call__(self, dataset, repo_type, revision, allow_patterns, dry_run=False, local_dir=None):
        assert (dataset, repo_type, allow_patterns) == ("owner/name", "dataset", "data/*.parquet")
        self.revisions.append(revision)
        if dry_run:
            return [SimpleNamespace(filename=n, commit_hash=COMMIT) for n in self.listed]
        new = [name for name in self.files if not (local_dir / name).exists()]
        for name in [*new[: self.limit], ".cache/huggingface/listing"]:
            (local_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (local_dir / name).write_bytes(self.files.get(name, b""))
        if self.limit < len(new):
            raise OSError("the connection\nbroke")
        return str(local_dir)


@pytest.fixture
def hub(monkeypatch):
    hub = Hub(limit=2)
    monkeypatch.setattr(fetch, "snapshot_download", hub)
    return hub


def content(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def test_a_dataset_is_fetched_at_one_commit_and_nothing_else_is_kept(hub, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "old").touch()
    fetch.fetch_hub(SOURCE, tmp_path / "texts")
    assert content(tmp_path / "texts") == hub.files
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == ["texts"]
    assert hub.revisions == ["refs/convert/parquet", COMMIT]
    assert not list((tmp_path / ".work").iterdir())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(b"9"), r"data/1\.parquet is not as it was fetched"),
        (lambda path: path.unlink(), r"data/1\.parquet is not as it was fetched"),
        (lambda path: path.with_name("2.parquet").touch(), r"data/2\.parquet is not as it was"),
        (lambda path: manifest_of(path).unlink(), r"\.manifest\.json: No such file"),
        (lambda path: manifest_of(path).write_text("{}"), r"its \.manifest\.json has no seal"),
    ],
)
def test_a_dataset_that_was_altered_after_it_was_fetched_is_refused(hub, tmp_path, spoil, reason):
    fetch.fetch_hub(SOURCE, tmp_path / "texts")
    check_manifest(tmp_path / "texts")
    spoil(tmp_path / "texts/data/1.parquet")
    message = message_of(check_manifest, tmp_path / "texts")
    assert re.search(rf"texts cannot be used \(.*{reason}.*\); delete it, to be fetched", message)


def manifest_of(path):
    return path.parents[1] / MANIFEST


def test_an_interrupted_download_is_resumed(hub, tmp_path):
    hub.limit = 1
    message = message_of(fetch.fetch_hub, SOURCE, tmp_path / "texts")
    assert "owner/name" in message
    assert "the connection broke" in message
    assert "hf auth login" in message
    assert not (tmp_path / "texts").exists()
    fetch.fetch_hub(SOURCE, tmp_path / "texts")  # the file that had come does not come again
    assert content(tmp_path / "texts") == hub.files


def test_what_caused_the_hub_to_refuse_is_told(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("dry run failed") from ConnectionError("403: accept the conditions")

    monkeypatch.setattr(fetch, "snapshot_download", refuse)
    message = message_of(fetch.fetch_hub, SOURCE, tmp_path / "texts")
    assert "dry run failed 403: accept the conditions" in message


MODEL = HubModel(kind="hub", model="owner/name", revision="main")


def test_a_model_of_the_hub_is_asked_for_at_one_revision_and_without_pickles(tmp_path, monkeypatch):
    asked, snapshot = {}, tmp_path / "cache/snapshots" / COMMIT
    snapshot.mkdir(parents=True)

    def download(name, **options):
        asked.update(options, name=name)
        return str(snapshot)

    monkeypatch.setattr(fetch, "snapshot_download", download)
    fetch.fetch(MODEL, tmp_path / "model")
    (link,) = (tmp_path / "model").iterdir()
    assert (link.name, link.resolve()) == (COMMIT, snapshot.resolve())
    assert (asked["name"], asked["revision"]) == ("owner/name", "main")
    wanted = ["model-00001-of-00002.safetensors", "model.safetensors.index.json", "config.json"]
    wanted += ["tokenizer.model", "merges.txt", "preprocessor_config.json"]
    unwanted = ["pytorch_model.bin", "consolidated.safetensors", "modeling_own.py", "flax.msgpack"]
    patterns = asked["allow_patterns"]
    assert [*filter_repo_objects(wanted + unwanted, allow_patterns=patterns)] == wanted


@pytest.mark.parametrize(
    ("error", "reasons"),
    [
        (GatedRepoError, ["accept the licence on its page", "hf auth login"]),
        (RevisionNotFoundError, ["(a b)", "model owner/name at main cannot be fetched"]),
    ],
)
def test_what_the_hub_refuses_of_a_model_is_told_in_a_line(tmp_path, monkeypatch, error, reasons):
    def refuse(*arguments, **options):
        raise error("a\nb", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr(fetch, "snapshot_download", refuse)
    message = message_of(fetch.fetch, MODEL, tmp_path / "model")
    assert all(reason in message for reason in reasons)
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_matching_files_is_refused(hub, tmp_path):
    hub.listed = []
    message = message_of(fetch.fetch_hub, SOURCE, tmp_path / "texts")
    assert "has no file that matches data/*.parquet" in message


def test_the_beginning_of_a_dataset_is_no_dataset(hub, tmp_path):
    """As the hub converts those that are too large for it."""
    hub.listed = ["text/partial-train/0000.parquet"]
    message = message_of(fetch.fetch_hub, SOURCE, tmp_path / "texts")
    assert "holds only the beginning of the data (text/partial-train/0000.parquet)" in message


def test_a_dataset_that_lacks_a_listed_file_is_refused(hub, tmp_path):
    hub.listed.append("data/2.parquet")
    assert "came without data/2.parquet" in message_of(fetch.fetch_hub, SOURCE, tmp_path / "texts")
    assert not (tmp_path / "texts").exists()
