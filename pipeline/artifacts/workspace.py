"""Undeclared progress of a job: what survives a kill, although Snakemake deletes its outputs.

Snakemake removes declared outputs before a job runs and after it failed. A job that makes several
outputs therefore makes each in a workspace of its own and links it to its place. The workspace is
named by a hash of everything that determines the outputs, so other settings never resume from it.

What is published is the same file, as a copy of features or weights would take as much disk again.
Who alters it where it is published alters it here too: what a workspace keeps is to be checked like
any artifact before it counts (`streams.is_whole`).
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts.files import TEMPORARY, naming_failures, remove, replacing
from pipeline.artifacts.places import WORK
from pipeline.base.canonical import short_hash


class Workspace:
    """A directory `.work/<hash>` beside the outputs of a job."""

    def __init__(self, root: Path, identity: Mapping[str, Any]) -> None:
        """`identity` is the spec of the job, and the content hashes of its inputs and lineage.

        What was made of the same inputs may descend from other versions of an artifact, and its
        stamp would say so.

        Raises:
            PipelineError: the directory cannot be made.
        """
        self._root = root / WORK / short_hash(dict(identity))
        with naming_failures(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            for leftover in self._root.rglob(TEMPORARY):  # of a killed attempt
                remove(leftover)

    def path(self, name: str) -> Path:
        """Where the workspace keeps `name`."""
        return self._root / name

    def paths(self, pattern: str) -> list[Path]:
        """What the workspace keeps under names that match a glob pattern."""
        return list(self._root.glob(pattern))

    def publish(self, name: str, output: Path) -> None:
        """Put `name` at its declared place, without a second copy where the disk allows.

        Raises:
            PipelineError: it cannot be written there, or the disk is full.
        """
        with replacing(output) as temporary:
            try:
                os.link(self.path(name), temporary)
            except OSError:
                shutil.copyfile(self.path(name), temporary)

    def remove_others(self) -> None:
        """Delete workspaces of other settings, which would fill the disk."""
        remove_all_but([self])

    def remove(self) -> None:
        """Forget all progress: the outputs are complete and will not be extended."""
        shutil.rmtree(self._root)


def remove_all_but(workspaces: Sequence[Workspace]) -> None:
    """Delete workspaces beside these, which are all in one place."""
    kept = [workspace.path("").resolve() for workspace in workspaces]
    for other in kept[0].parent.iterdir():
        if other.resolve() not in kept:
            remove(other)


def forget_progress(outputs: Iterable[str | Path]) -> None:
    """Delete all workspaces beside the outputs of a job, so that it begins from nothing.

    Raises:
        PipelineError: one cannot be deleted.
    """
    for directory in {Path(output).parent for output in outputs}:
        with naming_failures(directory / WORK):
            remove(directory / WORK)
