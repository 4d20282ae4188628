"""Whether files are those that they were: contents decide, and names, but no times."""

import os
import shutil
import time

import pytest

from pipeline.base.errors import PipelineError
from pipeline.sources import contents
from pipeline.sources.contents import content_hash, planned_files
from pipeline.sources.directory import list_files
from pipeline.sources.settings import DirectorySource


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(contents, "_SETTLED", 0.0)
    (tmp_path / "data").mkdir()
    for name in "abc":
        (tmp_path / "data" / name).write_text(f"content of {name}")
    return tmp_path / "data"


def hashed(root):
    return content_hash(list_files(root, "*"))


def test_a_mended_file_of_an_old_time_is_noticed(root):
    before = hashed(root)
    backup = root.parent / "backup"
    backup.write_text("CONTENT OF A")
    os.utime(backup, (0, 0))
    shutil.copy2(backup, root / "a")
    assert hashed(root) != before


def test_even_one_of_the_same_size_and_time_is(root):
    before, times = hashed(root), (root / "b").stat()
    (root / "b").write_text("CONTENT OF B")
    os.utime(root / "b", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert hashed(root) != before


def test_neither_a_touch_nor_a_copy_changes_anything(root):
    before = hashed(root)
    os.utime(root / "a", (0, 0))
    shutil.copyfile(root / "b", root.parent / "b")
    (root.parent / "b").replace(root / "b")
    assert hashed(root) == before
    shutil.rmtree(root.parent / ".snakemake")
    assert hashed(root) == before


def test_names_count(root):
    before = hashed(root)
    (root / "c").rename(root / "d")
    assert hashed(root) != before
    (root / "d").rename(root / "c")
    assert hashed(root) == before
    (root / "c").unlink()
    assert hashed(root) != before


def test_a_file_is_read_once(root, monkeypatch):
    read, hash_of = [], contents.file_hash
    monkeypatch.setattr(
        contents, "file_hash", lambda path: (read.append(path.name), hash_of(path))[1]
    )
    time.sleep(0.02)
    hashed(root)
    (root / "b").write_text("changed")
    time.sleep(0.02)
    hashed(root)
    assert read == ["a", "b", "c", "b"]


def test_a_file_that_just_changed_is_read_again(root, monkeypatch):
    monkeypatch.setattr(contents, "_SETTLED", 1000.0)
    read, hash_of = [], contents.file_hash
    monkeypatch.setattr(
        contents, "file_hash", lambda path: (read.append(path.name), hash_of(path))[1]
    )
    assert hashed(root) == hashed(root)
    assert read == [*"abcabc"]


def test_files_that_changed_since_they_were_planned_are_not_read(root, capsys):
    source = DirectorySource(kind="directory", path="data", files="*")
    planned = source, hashed(root)
    assert [path.name for path in planned_files(*planned)] == ["a", "b", "c"]
    assert capsys.readouterr().err == "3 files in data match '*'\n"
    (root / "c").write_text("other")
    with pytest.raises(PipelineError, match="files in data changed after .* run snakemake again"):
        planned_files(*planned)
    assert planned_files(source, None) == []


def test_a_file_that_cannot_be_read_is_left_to_the_stage(root):
    (root / "z").symlink_to("/proc/self/mem")
    before = hashed(root)
    (root / "z").unlink()
    (root / "z").write_text("text")
    assert hashed(root) != before
