"""Files that a run takes from outside: where data and pretrained models are kept or found."""

from functools import cache
from pathlib import Path
from typing import Any

from pipeline.base.canonical import short_hash
from pipeline.base.errors import PipelineError
from pipeline.base.section import Section
from pipeline.config.image import Encoder
from pipeline.config.schema import Domains
from pipeline.config.text import Judge
from pipeline.image.settings import Images
from pipeline.sources.contents import content_hash
from pipeline.sources.directory import Listing, list_files
from pipeline.sources.settings import HubFiles, HubModel, HubSource, OwnFiles, Package, Pinned
from pipeline.text.settings import Corpus, Gpt2

_MODELS = {Judge: ("judges", {"longest"}), Encoder: ("encoders", {"size", "layers"})}
"""Where models are kept, and which settings they are tried with."""


def packages(domains: Domains) -> dict[str, Package]:
    """Pinned packages of all domains by the paths of their archives."""
    found = [*_source_packages(domains.text.data), *_source_packages(domains.image.data)]
    if isinstance(domains.text.data.tokenizer, Gpt2):
        found.append(domains.text.data.tokenizer.package)
    for model in (domains.text.judge.model, domains.image.encoder.model):
        found += _model_packages(model)
    return {_archive(package): package for package in found}


def from_hub(domains: Domains) -> dict[str, HubFiles | HubModel]:
    """Datasets and models of the hub of all domains by the directories that they are kept in."""
    sources = [section.data.source for section in (domains.text, domains.image)]
    models = [domains.text.judge.model, domains.image.encoder.model]
    found = [one for one in (*sources, *models) if isinstance(one, HubSource | HubModel)]
    return {_hub_directory(one): one for one in found}


def source_archives(data: Corpus | Images) -> list[str]:
    """What is fetched of a source of documents or images, in its order."""
    if isinstance(data.source, HubSource):
        return [_hub_directory(data.source)]
    return [_archive(package) for package in _source_packages(data)]


def document_archives(data: Corpus) -> list[str]:
    """What is fetched for the stage `corpus`: the source, then the package of the tokenizer."""
    tokens = [_archive(data.tokenizer.package)] if isinstance(data.tokenizer, Gpt2) else []
    return source_archives(data) + tokens


def own_files(data: Corpus | Images) -> Listing | None:
    """Files of a user's own directory, below the working one if its path is relative, or None.

    Raises:
        PipelineError: no file matches.
    """
    source = data.source
    if not isinstance(source, OwnFiles):
        return None
    found = _list_once(source.path, source.files)
    if not found.files:
        domain = "text" if isinstance(data, Corpus) else "image"
        raise PipelineError(
            f"config: domains.{domain}.data.source: {found.describe()}; correct path or files"
        )
    return found


def own_content(data: Corpus | Images) -> str | None:
    """What a user's own files hold, as a hash; of other sources, nothing.

    Raises:
        PipelineError: no file matches.
    """
    found = own_files(data)
    return None if found is None else _hash_once(found.root, found.pattern)


def fetched(source: Pinned) -> Pinned:
    """What decides on the content that is fetched, not how it is read."""
    if isinstance(source, HubModel):
        return HubModel.of(source)
    return HubFiles.of(source) if isinstance(source, HubFiles) else Package.of(source)


def model_section(model: Section) -> dict[str, Any]:
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


def model_archive(model: Section) -> list[str]:
    """What is fetched of a pretrained model, if anything is."""
    if isinstance(model, HubModel):
        return [_hub_directory(model)]
    return [_archive(package) for package in _model_packages(model)]


@cache
def _list_once(path: str, pattern: str) -> Listing:
    return list_files(Path(path), pattern)


@cache
def _hash_once(root: Path, pattern: str) -> str:
    """Hash of the files as they are when it is first asked for, which is when jobs are planned."""
    return content_hash(_list_once(str(root), pattern))


def _source_packages(data: Corpus | Images) -> list[Package]:
    if isinstance(data.source, Package):
        return [data.source]
    return list(getattr(data.source, "packages", []))


def _model_packages(model: Section) -> list[Package]:
    return [model.package] if hasattr(model, "package") else []


def _archive(package: Package) -> str:
    """Where an archive is kept, below the directory of the workflow."""
    name = package.name.lstrip("@").replace("/", "-")
    suffix = {"npm": "tgz", "pypi": "whl"}[package.registry]
    return f"resources/{package.registry}/{name}-{package.version}.{suffix}"


def _hub_directory(source: HubFiles | HubModel) -> str:
    name = source.model if isinstance(source, HubModel) else source.dataset
    return f"resources/hub/{name.replace('/', '+')}-{short_hash(fetched(source).plain())}"
