"""Artifacts: exact round trips, and refusal of every file that is not what it should be."""

import errno
import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from pipeline.artifacts import files, tensors
from pipeline.artifacts.files import replacing
from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from tests.unit.left_over import left_over
from tests.unit.settings_case import BARE

SPEC = replace(BARE, plain={"v": 4})
TENSORS = {
    "a": np.arange(6, dtype=np.uint8).reshape(2, 3).T,
    "b": np.array([0.1, np.inf], dtype=np.float32),
}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "deep" / "grammar.safetensors"
    write_tensors(path, TENSORS, make_stamp("grammar", SPEC, {"source": "abc"}))
    return path


def assert_refused(path, kind, reason):
    with pytest.raises(PipelineError, match=reason) as refused:
        read_tensors(path, kind)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_tensors_and_stamp_come_back(written):
    artifact = read_tensors(written, "grammar")
    for name, array in load_file(written).items():
        assert array.dtype == TENSORS[name].dtype
        assert np.array_equal(array, TENSORS[name])
        assert np.array_equal(artifact.tensors[name], TENSORS[name])
    assert artifact.tensors.keys() == TENSORS.keys()
    assert artifact.stamp["spec"] == {"v": 4}
    assert artifact.stamp["inputs"] == {"source": "abc"}
    assert artifact.stamp["versions"]["numpy"] == np.__version__


def test_the_content_hash_is_the_sha256_of_names_types_shapes_and_bytes(written):
    expected = hashlib.sha256()
    for name, array in sorted(TENSORS.items()):
        expected.update(f"{name}:{array.dtype}:{array.shape};".encode() + array.tobytes())
    assert read_tensors(written, "grammar").sha256 == expected.hexdigest()


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o700])
def test_an_artifact_is_as_readable_as_its_directory(tmp_path, mode):
    tmp_path.chmod(mode)
    write_tensors(tmp_path / "file", TENSORS, make_stamp("grammar", BARE, {}))
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode & 0o666


def test_writing_twice_gives_the_same_bytes(written, tmp_path):
    again = tmp_path / "again.safetensors"
    write_tensors(again, TENSORS, make_stamp("grammar", SPEC, {"source": "abc"}))
    assert again.read_bytes() == written.read_bytes()


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(written, kept):
    written.write_bytes(written.read_bytes()[:kept])
    assert_refused(written, "grammar", "cannot be read as a grammar")


def test_a_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "absent.safetensors", "grammar", "cannot be read as a grammar")


def test_another_kind_is_refused(written):
    assert_refused(written, "dataset", "is not a dataset of this pipeline but grammar")


def test_a_foreign_file_is_refused(tmp_path):
    for name, metadata in {"bare": None, "other": {"format": "pt"}}.items():
        path = tmp_path / f"{name}.safetensors"
        save_file({"a": np.zeros(3)}, path, metadata=metadata)
        assert_refused(path, "grammar", "foreign")


def test_an_altered_byte_is_refused(written):
    content = bytearray(written.read_bytes())
    content[-1] ^= 1
    written.write_bytes(content)
    assert_refused(written, "grammar", "does not hold what its stamp says")


def test_a_failing_write_leaves_the_old_file_and_no_temporary(written, monkeypatch):
    before = written.read_bytes()

    def fail(arrays, path, metadata):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(tensors, "save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        write_tensors(written, TENSORS, make_stamp("grammar", BARE, {}))
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
        Exception("No space left on device (os error 28)"),  # as tokenizers raises it
    ],
)
def test_a_full_disk_is_named_with_the_file(tmp_path, error):
    full = pytest.raises(PipelineError, match="cannot be written: disk full")
    with full as refused, replacing(tmp_path / "file"):
        raise error
    assert str(tmp_path / "file") in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_another_failure_of_the_disk_keeps_its_name(tmp_path):
    with pytest.raises(OSError, match="File too large"), replacing(tmp_path / "file"):
        raise OSError(errno.EFBIG, "File too large")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_directory_that_cannot_be_made_is_told_in_one_line(tmp_path, monkeypatch, number):
    def refuse(path, *_arguments, **_options):
        raise OSError(number, os.strerror(number), f"{path}")

    monkeypatch.setattr(Path, "mkdir", refuse)
    for make in (replacing, files.scratch_directory):
        with pytest.raises(PipelineError) as refused, make(tmp_path / "new" / "file"):
            pass
        assert f"{refused.value}".startswith(f"{tmp_path}/new/file cannot be written: ")
        assert f"{refused.value}".endswith(", then run again")
        assert "\n" not in f"{refused.value}"


def test_a_read_only_disk_is_told_with_the_directory(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "none", f"{tmp_path}"]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system needs root")
    try:
        with pytest.raises(PipelineError, match="cannot be written: Read-only") as refused:
            write_tensors(tmp_path / "file", TENSORS, make_stamp("grammar", BARE, {}))
    finally:
        subprocess.run(["umount", f"{tmp_path}"], check=True)
    assert f"({tmp_path}); make this writable" in f"{refused.value}"


def test_what_stands_in_the_way_is_named(tmp_path):
    (tmp_path / "file").mkdir()
    (tmp_path / "above").touch()
    for path, culprit in (("file", "file"), ("above/file", "above")):
        with pytest.raises(PipelineError) as refused:
            write_tensors(tmp_path / path, TENSORS, make_stamp("grammar", BARE, {}))
        assert f"{tmp_path / path} cannot be written" in f"{refused.value}"
        assert f"({tmp_path / culprit}); move or delete it" in f"{refused.value}"
    assert list((tmp_path / "file").iterdir()) == []
    assert len(list(tmp_path.iterdir())) == 2


def test_an_input_that_cannot_be_read_is_not_taken_for_the_output(tmp_path):
    with pytest.raises(PermissionError), replacing(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "Permission denied", f"{tmp_path}/other/input")


def test_what_killed_attempts_left_over_is_deleted_and_nothing_else(tmp_path):
    path, old = tmp_path / "file", tmp_path / ".file.elsewhere.12.tmp"
    left_over(path).write_text("half")
    old.mkdir()
    (old / "part").touch()
    os.utime(old, (0, 0))
    kept = {
        left_over(path, os.getppid()),
        tmp_path / ".file.elsewhere.13.tmp",
    }  # maybe of the living
    kept |= {left_over(tmp_path / "other"), tmp_path / "file.12.tmp", tmp_path / ".file.txt"}
    for other in kept:
        other.touch()
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert set(tmp_path.iterdir()) == kept | {path}


def test_a_scratch_directory_is_empty_and_vanishes(tmp_path):
    left_over(tmp_path / "model").mkdir()
    with files.scratch_directory(tmp_path / "model") as directory:
        assert list(tmp_path.iterdir()) == [directory]
        assert list(directory.iterdir()) == []
        (directory / "part").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_failing_first_write_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "new") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
