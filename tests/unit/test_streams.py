"""Streamed artifacts: the same files as those written at once, refused in the same cases."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.artifacts import streams
from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from tests.unit.left_over import left_over
from tests.unit.settings_case import BARE

A = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
B = np.linspace(0, 1, 7, dtype=np.float32)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "dataset.safetensors"
    with streams.writing(path, make_stamp("dataset", replace(BARE, plain={"v": 4}), {})) as stream:
        assert stream.add("b", np.array_split(B, 3), (-1,)) == 7
        assert stream.add("a", [A[0], A[1, :2], A[1, 2:]], (2, -1, 4)) == 3
    return path


def test_a_streamed_artifact_is_one_like_any_other(path, tmp_path):
    whole = tmp_path / "whole.safetensors"
    write_tensors(whole, {"a": A, "b": B}, make_stamp("dataset", BARE, {}))
    read, mapped = read_tensors(path, "dataset"), streams.map_tensors(path, "dataset")
    expected = read_tensors(whole, "dataset")
    assert read.sha256 == mapped.sha256 == expected.sha256
    assert streams.map_tensors(whole, "dataset").sha256 == expected.sha256
    for name in ("a", "b"):
        assert np.array_equal(read.tensors[name], expected.tensors[name])
        assert np.array_equal(mapped.tensors[name], expected.tensors[name])
        assert mapped.tensors[name].dtype == expected.tensors[name].dtype
    assert isinstance(mapped.tensors["a"], np.memmap)


def test_a_map_of_altered_or_foreign_content_is_refused(path):
    with pytest.raises(PipelineError, match="is not a samples of this pipeline but dataset"):
        streams.map_tensors(path, "samples")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(PipelineError, match="does not hold what its stamp says"):
        streams.map_tensors(path, "dataset")
    path.write_bytes(content[:-1])
    with pytest.raises(PipelineError, match="cannot be read as a dataset"):
        streams.map_tensors(path, "dataset")


def test_what_a_killed_attempt_left_behind_is_removed(tmp_path):
    leftovers = [left_over(tmp_path / f"{name}.safetensors") for name in "ab"]
    for path in leftovers:
        path.write_text("half")
    with streams.writing(tmp_path / "a.safetensors", {"kind": "x"}) as stream:
        stream.add("a", [A], (-1, 3, 4))
    assert {path.name for path in tmp_path.iterdir()} == {"a.safetensors", leftovers[1].name}


def test_rows_that_do_not_fill_the_shape_leave_no_file(tmp_path):
    path = tmp_path / "dataset.safetensors"
    for rows, shape, reason in [
        ([B], (-1, 4), "7 numbers do not fill"),
        ([A, B], (-1,), "rows of type float32 after uint16"),
        ([], (-1,), "no rows"),
    ]:
        with pytest.raises(ValueError, match=reason), streams.writing(path, {}) as stream:
            stream.add("a", rows, shape)
    assert not list(tmp_path.iterdir())
