"""Files that a run takes from outside: where data and pretrained models are kept or found."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.base.canonical import short_hash
from pipeline.base.errors import PipelineError
from pipeline.config.corpus import Data
from pipeline.config.images import Encoder, Images
from pipeline.config.packages import HubSource, Package
from pipeline.config.schema import Domains
from pipeline.config.text import Judge
from pipeline.sources.contents import content_hash
from pipeline.sources.directory import Listing, list_files

_MODELS = {Judge: ("judges", {"longest"}), Encoder: ("encoders", {"size", "layers"})}
"""Where models are kept, and which settings they are tried with."""


def packages(domains: Domains) -> dict[str, Package]:
    """Pinned packages of all domains by the paths of their archives."""
    found = [*_source_packages(domains.text.data), *_source_packages(domains.image.data)]
    if domains.text.data.tokenizer.kind == "gpt2":
        found.append(domains.text.data.tokenizer.package)
    for model in (domains.text.judge.model, domains.image.encoder.model):
        found += _model_packages(model)
    return {package.path: package for package in found}


def hub_datasets(domains: Domains) -> dict[str, HubSource]:
    """Datasets of the hub of all domains by the directories that they are kept in."""
    sources = [section.data.source for section in (domains.text, domains.image)]
    return {_hub_directory(source): source for source in sources if source.kind == "hub"}


def source_archives(data: Data | Images) -> list[str]:
    """What is fetched of a source of documents or images, in its order."""
    if data.source.kind == "hub":
        return [_hub_directory(data.source)]
    return [package.path for package in _source_packages(data)]


def document_archives(data: Data) -> list[str]:
    """What is fetched for the stage `corpus`: the source, then the package of the tokenizer."""
    tokens = [data.tokenizer.package.path] if data.tokenizer.kind == "gpt2" else []
    return source_archives(data) + tokens


def own_files(data: Data | Images) -> Listing | None:
    """Files of a user's own directory, below the working one if its path is relative, or None.

    Raises:
        PipelineError: no file matches.
    """
    source = data.source
    if source.kind not in ("directory", "npz"):
        return None
    found = _list_once(source.path, source.files)
    if not found.files:
        domain = "text" if isinstance(data, Data) else "image"
        raise PipelineError(
            f"config: domains.{domain}.data.source: {found.describe()}; correct path or files"
        )
    return found


def own_content(data: Data | Images) -> dict[str, str]:
    """What a user's own files hold, as a hash `content`; of other sources, nothing.

    Raises:
        PipelineError: no file matches.
    """
    found = own_files(data)
    return {} if found is None else {"content": _hash_once(found.root, found.pattern)}


def fetched(source: Package | HubSource) -> dict[str, str]:
    """What decides on the content that is fetched, not how it is read."""
    if isinstance(source, HubSource):
        return source.model_dump(include={"dataset", "revision", "files"})
    return source.model_dump(include={"registry", "name", "version", "sha256"})


def model_section(model: BaseModel) -> dict[str, Any]:
    """What decides on a pretrained model: all but its name on plots."""
    return model.model_dump(mode="json", exclude={"name"})


def model_directory(section: Judge | Encoder) -> str:
    """Where the pretrained model of a judge or an encoder is kept.

    It is tried for what it is to be used for when it is made ready, so runs that use a model
    alike share it, and runs that do not use it alike do not make one another's stale.
    """
    kept, limits = _MODELS[type(section)]
    use = {"model": model_section(section.model), **section.model_dump(include=limits)}
    return f"resources/{kept}/{short_hash(use)}"


def model_archive(model: BaseModel) -> list[str]:
    """Archive that a pretrained model is made from, if there is one."""
    return [package.path for package in _model_packages(model)]


@cache
def _list_once(path: str, pattern: str) -> Listing:
    return list_files(Path(path), pattern)


@cache
def _hash_once(root: Path, pattern: str) -> str:
    """Hash of the files as they are when it is first asked for, which is when jobs are planned."""
    return content_hash(_list_once(str(root), pattern))


def _source_packages(data: Data | Images) -> list[Package]:
    if isinstance(data.source, Package):
        return [data.source]
    return list(getattr(data.source, "packages", []))


def _model_packages(model: BaseModel) -> list[Package]:
    return [model.package] if hasattr(model, "package") else []


def _hub_directory(source: HubSource) -> str:
    return f"resources/hub/{source.dataset.replace('/', '+')}-{short_hash(fetched(source))}"
