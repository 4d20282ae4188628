"""Workspaces: progress that survives the deletion of outputs, one per identity."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.artifacts.workspace import Workspace, forget_progress
from pipeline.base.errors import PipelineError

IDENTITY = {"spec": {"b": 1, "a": [1, 2]}, "inputs": {}}


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path, IDENTITY)
    workspace.path("weights").write_text("content")
    return workspace


def test_equal_identities_share_progress_whatever_the_order_of_keys(workspace, tmp_path):
    again = Workspace(tmp_path, {"inputs": {}, "spec": {"a": [1, 2], "b": 1}})
    assert again.path("weights").read_text() == "content"


def test_what_a_killed_attempt_was_writing_is_deleted(workspace, tmp_path):
    workspace.path(".weights.123.tmp").write_text("half")
    workspace.path(".model.123.tmp").mkdir()
    again = Workspace(tmp_path, IDENTITY)
    assert [path.name for path in again.paths("*")] == ["weights"]


def test_another_identity_sees_no_progress(workspace, tmp_path):
    other = Workspace(tmp_path, {**IDENTITY, "inputs": {"dataset": "abc"}})
    assert not other.path("weights").exists()


def test_what_was_published_survives_the_deletion_of_the_output(workspace, tmp_path):
    output = tmp_path / "outputs" / "weights"
    for _ in range(2):
        workspace.publish("weights", output)
        assert output.read_text() == "content"
        assert output.samefile(workspace.path("weights"))
    output.unlink()
    assert workspace.path("weights").read_text() == "content"


def test_publishing_replaces_an_old_output(workspace, tmp_path):
    (tmp_path / "weights").write_text("old")
    workspace.publish("weights", tmp_path / "weights")
    assert (tmp_path / "weights").read_text() == "content"


def test_publishing_copies_where_links_are_impossible(workspace, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError("no links on this disk")

    monkeypatch.setattr(os, "link", refuse)
    workspace.publish("weights", tmp_path / "weights")
    assert (tmp_path / "weights").read_text() == "content"
    assert not (tmp_path / "weights").samefile(workspace.path("weights"))


def test_on_a_full_disk_publishing_keeps_the_old_output(workspace, tmp_path, monkeypatch):
    def fill(_source, target):
        Path(target).write_text("cont")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "weights").write_text("old")
    monkeypatch.setattr(os, "link", fill)
    monkeypatch.setattr("shutil.copyfile", fill)
    with pytest.raises(PipelineError, match="weights cannot be written: disk full"):
        workspace.publish("weights", tmp_path / "weights")
    assert (tmp_path / "weights").read_text() == "old"
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_workspace_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / ".work").touch()
    with pytest.raises(PipelineError, match=r"\.work/\S+ cannot be written: "):
        Workspace(tmp_path, IDENTITY)


def test_removal_forgets_this_progress_only(workspace, tmp_path):
    other = Workspace(tmp_path, {"spec": "other"})
    other.path("weights").write_text("other")
    workspace.publish("weights", tmp_path / "weights")
    workspace.remove()
    assert not workspace.path("weights").exists()
    assert (tmp_path / "weights").read_text() == "content"
    assert other.path("weights").read_text() == "other"


def test_progress_beside_outputs_is_forgotten_and_nothing_else(workspace, tmp_path):
    output = tmp_path / "weights"
    workspace.publish("weights", output)
    forget_progress([output, tmp_path / "elsewhere/absent"])
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
    assert output.read_text() == "content"
