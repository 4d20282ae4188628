"""Files that a run takes from outside: where data and pretrained models are kept or found."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.config.corpus import Data
from pipeline.config.images import Images
from pipeline.config.packages import HubSource, Package
from pipeline.config.schema import Domains
from pipeline.errors import PipelineError
from pipeline.provenance import short_hash


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


def source_files(data: Data | Images, key: str) -> list[str]:
    """Files of a user's own directory, in order; of other sources, none.

    Args:
        data: `data` section of a domain; a relative path is below the working directory.
        key: name of the section, for messages.

    Raises:
        PipelineError: no file matches.
    """
    source = data.source
    if source.kind not in ("directory", "npz"):
        return []
    files = sorted(str(path) for path in Path(source.path).glob(source.files) if path.is_file())
    if not files:
        raise PipelineError(
            f"config: {key}.source: no file in {source.path} matches {source.files!r}; correct "
            "path or files"
        )
    return files


def fetched(source: Package | HubSource) -> dict[str, str]:
    """What decides on the content that is fetched, not how it is read."""
    if isinstance(source, HubSource):
        return source.model_dump(include={"dataset", "revision", "files"})
    return source.model_dump(include={"registry", "name", "version", "sha256"})


def model_section(model: BaseModel) -> dict[str, Any]:
    """What decides on a pretrained model: all but its name on plots."""
    return model.model_dump(mode="json", exclude={"name"})


def model_directory(use: str, model: BaseModel) -> str:
    """Where a pretrained model is kept that is used as `judges` or `encoders`."""
    return f"resources/{use}/{short_hash(model_section(model))}"


def model_archive(model: BaseModel) -> list[str]:
    """Archive that a pretrained model is made from, if there is one."""
    return [package.path for package in _model_packages(model)]


def _source_packages(data: Data | Images) -> list[Package]:
    if isinstance(data.source, Package):
        return [data.source]
    return list(getattr(data.source, "packages", []))


def _model_packages(model: BaseModel) -> list[Package]:
    return [model.package] if hasattr(model, "package") else []


def _hub_directory(source: HubSource) -> str:
    return f"resources/hub/{source.dataset.replace('/', '+')}-{short_hash(fetched(source))}"
