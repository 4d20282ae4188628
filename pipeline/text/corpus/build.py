"""Stage `corpus`: documents become a tokenizer and two streams of tokens, cut into blocks."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from pipeline.artifacts import streams
from pipeline.artifacts.places import place_of
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms
from pipeline.base.spec import Spec
from pipeline.sources.archives import check_pin
from pipeline.sources.manifests import check_manifest
from pipeline.sources.settings import HubSource, OwnFiles, Package
from pipeline.text.corpus.documents import read_documents
from pipeline.text.corpus.losses import measure_loss
from pipeline.text.corpus.split import Census, Split
from pipeline.text.corpus.tokenize import cut, pack, token_batches
from pipeline.text.corpus.tokenizer import (
    END_OF_DOCUMENT,
    KIND,
    build_tokenizer,
    save_tokenizer,
)
from pipeline.text.settings import (
    Characters,
    CorpusSettings,
    DocumentSource,
    Gpt2,
    PackageSource,
    TrainedBpe,
)

_SAMPLE = 100e6
"""Bytes of text, at most, that a tokenizer is trained on: memory grows with its distinct words."""


def make_corpus(
    spec: Spec[CorpusSettings], archives: Sequence[Path], tokens: Path, tokenizer: Path
) -> None:
    """Tokenise documents, and print how many blocks there are.

    Memory does not grow with their number. A tokenizer is trained on the training documents, or
    on random pieces of them if they exceed 100 MB.

    Args:
        spec: spec of the stage.
        archives: files of the source, as for `read_documents`; then, for the tokenizer of GPT-2,
            the archive of its package.
        tokens: safetensors file with `validation` [N, context] and `training` [N, context], of
            unsigned integers, and in its stamp a `corpus`: documents, validation_documents,
            bytes of text, vocabulary_size, the number of the token end_of_document; of a user's
            own directory the number of files; for a tokenizer of characters lost_characters, the
            share of characters that have no token.
        tokenizer: file `tokenizer.json` for `load_tokenizer`.
    """
    settings = spec.settings
    files, packages = _divide(settings.tokenizer, archives)
    hashes = _check_pins(settings, files, packages)
    split = Split(
        lambda: read_documents(settings.source, files),
        settings.validation_fraction,
        settings.split_seed,
    )
    census = split.count()
    coder = build_tokenizer(settings.tokenizer, lambda: _sample(split, census.size), packages)
    _check_vocabulary(coder.get_vocab_size(), settings.vocabulary_size, packages)
    summary: dict[str, float | None] = {**_summary(census, coder), **_files(settings.source, files)}
    if isinstance(settings.tokenizer, Characters):
        most = settings.tokenizer.most_lost
        summary["lost_characters"] = measure_loss(coder, most, split.read())
    hashes["documents"] = census.sha256
    digest = save_tokenizer(coder, tokenizer, make_stamp(KIND, spec, hashes))
    stamp = make_stamp("corpus", spec, hashes) | {"corpus": summary}
    if place := place_of(tokenizer):  # so that no other one reads what comes of these tokens
        stamp["lineage"][place] = digest
    _write_blocks(tokens, stamp, coder, split, settings.context)


def _check_pins(
    settings: CorpusSettings, files: Sequence[Path], packages: Sequence[Path]
) -> dict[str, str]:
    """Hashes of the archives by their names; raises PipelineError if one is not as pinned.

    A dataset of the hub is held against what was fetched.
    """
    source, pinned = settings.source, dict[Path, Package]()
    if isinstance(settings.tokenizer, Gpt2):
        pinned |= dict.fromkeys(packages, settings.tokenizer.package)
    if isinstance(source, PackageSource):
        pinned |= zip(files, source.packages, strict=True)
    if isinstance(source, HubSource):
        check_manifest(files[0])
    return {path.name: check_pin(path, package.sha256) for path, package in pinned.items()}


def _check_vocabulary(size: int, expected: int, packages: Sequence[Path]) -> None:
    if size != expected:
        name = ", ".join(map(str, packages)) or "it"
        raise PipelineError(
            f"domains.text.data.tokenizer: {name} has {size} tokens, but networks are made for "
            f"{expected}; choose a tokenizer with as many"
        )


def _divide(
    tokenizer: Characters | TrainedBpe | Gpt2, inputs: Sequence[Path]
) -> tuple[Sequence[Path], Sequence[Path]]:
    """Inputs of the source, and those of the tokenizer."""
    packages = 1 if isinstance(tokenizer, Gpt2) else 0
    border = len(inputs) - packages
    return inputs[:border], inputs[border:]


def _files(source: DocumentSource, files: Sequence[Path]) -> dict[str, int]:
    return {"files": len(files)} if isinstance(source, OwnFiles) else {}


def _sample(split: Split, size: int) -> Iterator[str]:
    """Text to train a tokenizer on, of documents of `size` bytes."""
    key = stream_key(split.seed, "tokenizer")
    pieces = (piece for document in split.training() for piece in cut(document))
    for number, piece in enumerate(pieces):
        if uniforms(key, number)[0] < _SAMPLE / size:
            yield piece


def _write_blocks(
    path: Path, stamp: Mapping[str, Any], tokenizer: Tokenizer, split: Split, context: int
) -> None:
    parts = {"validation": split.validation, "training": split.training}
    counts = {}
    with streams.writing(path, stamp) as stream:
        for name, documents in parts.items():
            blocks = pack(token_batches(tokenizer, documents()), context, name)
            counts[name] = stream.add(name, blocks, (-1, context))
    told = f"{counts['training']} training blocks, {counts['validation']} held-out blocks"
    print(f"{told}, of {context} tokens each", file=sys.stderr)


def _summary(census: Census, tokenizer: Tokenizer) -> dict[str, int | None]:
    return {
        "documents": census.documents,
        "validation_documents": census.held_out,
        "bytes": census.size,
        "vocabulary_size": tokenizer.get_vocab_size(),
        "end_of_document": tokenizer.token_to_id(END_OF_DOCUMENT),
    }
