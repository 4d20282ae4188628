"""Settings of text: its documents and tokens, and what is trained, sampled, measured and judged."""

import unicodedata
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.base.cells import NamedCell
from pipeline.base.section import (
    Few,
    Fraction,
    Increasing,
    Positive,
    Section,
    Seed,
)
from pipeline.datasets.settings import Subset
from pipeline.measurement.settings import Controls, Errors
from pipeline.networks.settings import TextNetwork
from pipeline.sampling.settings import Generation
from pipeline.sources.settings import (
    DirectoryModel,
    DirectorySource,
    HubModel,
    HubSource,
    Package,
    PathPattern,
    RandomModel,
)
from pipeline.training.settings import AdamWOptimisation, Optimised


class TextPackage(Package):
    """A package that holds documents."""

    files: PathPattern
    """Glob pattern of its files, one document each."""
    format: Literal["plain", "tagged"]
    """Plain text, or word/tag pairs as in the Brown corpus, which lose their tags."""


class PackageSource(Section):
    """Documents of pinned packages."""

    kind: Literal["packages"]
    """Source of this kind."""
    packages: Annotated[list[TextPackage], Field(min_length=1)]
    """Packages, in the order in which their documents are read."""


DocumentSource = Annotated[PackageSource | DirectorySource | HubSource, Field(discriminator="kind")]


def _as_read(character: str) -> str:
    """A character as a tokenizer of characters reads it."""
    decomposed = unicodedata.normalize("NFKD", character).translate(_CLEANED)
    return "".join(c for c in decomposed if unicodedata.category(c)[0] != "M").lower()


_CLEANED = {0x0D: "\n", 0xFEFF: "", 0x00: ""}
"""Characters that documents never have: carriage returns, byte order marks and NULs."""


class Characters(Section):
    """One token per character."""

    kind: Literal["characters"]
    """Tokenizer of this kind."""
    alphabet: Annotated[str, Field(min_length=2)]
    """Characters that are kept, after lower-casing and without accents; every run of others
    becomes one blank, which must be part of the alphabet."""
    most_lost: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share of the characters of the documents, blanks aside, that may be outside the alphabet."""

    @model_validator(mode="after")
    def _characters_are_distinct(self) -> "Characters":
        if len(set(self.alphabet)) < len(self.alphabet) or " " not in self.alphabet:
            raise ValueError(f"alphabet = {self.alphabet!r} must have a blank, and nothing twice")
        return self

    @model_validator(mode="after")
    def _characters_occur(self) -> "Characters":
        never = [character for character in self.alphabet if _as_read(character) != character]
        if never:
            shown = " ".join(map(repr, never[:10])) + (" ..." if len(never) > 10 else "")
            raise ValueError(
                f"alphabet: {len(never)} characters never occur ({shown}), as text is lower-cased, "
                "decomposed (NFKD) and loses its accents; leave them out, or write them so"
            )
        return self


class TrainedBpe(Section):
    """Byte-level BPE, trained on the training split."""

    kind: Literal["bpe"]
    """Tokenizer of this kind."""
    vocabulary_size: Annotated[int, Field(ge=257, le=65536)]
    """Tokens: 256 bytes, the end of a document, and merges."""


class Gpt2(Section):
    """The BPE of GPT-2, 50257 tokens, from a package that holds its encoder.json and vocab.bpe."""

    kind: Literal["gpt2"]
    """Tokenizer of this kind."""
    package: Package
    """The package."""


Tokenizer = Annotated[Characters | TrainedBpe | Gpt2, Field(discriminator="kind")]


class Corpus(Section):
    """From documents to blocks of tokens."""

    source: DocumentSource
    """Where documents come from."""
    tokenizer: Tokenizer
    """How they become tokens."""
    context: Annotated[int, Field(ge=2)]
    """Tokens of a block; documents are joined, with an end-of-document token after each."""
    validation_fraction: Annotated[Fraction, Field(gt=0)]
    """Share of the documents that are held out, whole."""
    split_seed: Seed
    """Seed of the choice of held-out documents."""


class CorpusSettings(Corpus):
    """Stage `corpus`."""

    content: str | None
    """Hash of the files of a directory of one's own; none of other sources."""
    vocabulary_size: Positive
    """Tokens that networks are made for."""


class DatasetSettings(Subset):
    """Stage `dataset`."""


class Training(AdamWOptimisation):
    """AdamW on the denoising loss."""

    loss: Literal["variational_bound", "cross_entropy"]
    """Loss on the clean tokens; the bound weights masked tokens by alpha' / (1 - alpha)."""
    cosine_steps: Positive
    """Where the cosine of the learning rate would reach 0; at least `steps`."""


class TrainSettings(Optimised):
    """Stage `train`."""

    symbols: Positive
    """Size of the vocabulary."""
    context: Positive
    """Tokens of a block."""
    network: TextNetwork
    training: Training
    cell: NamedCell


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: Annotated[int, Field(gt=0, le=100_000)] | None
    """Ancestral steps on the cosine grid of times; null for the exact first-hitting sampler."""


class RealText(Section):
    """What text is compared with."""

    reference_sequences: Annotated[int, Field(ge=16, le=10**7)]
    """Blocks of held-out text, at most, of each kind that generated text is compared with."""


class Measurement(Errors, RealText):
    """Estimators on samples, and on real text."""

    distances: Annotated[list[Positive], Increasing, Field(min_length=2, max_length=1000)]
    """Distances between tokens at which correlations are measured; the largest below context."""
    random_halves: Few
    """Random split halves that the debiased correlation is averaged over."""
    real_copies: Annotated[float, Field(gt=0, lt=0.5)]
    """Share of held-out text that may count as copied: samples that share a longer run of tokens
    with the training set than all the rest of it are copies."""


class ControlSettings(Controls, RealText):
    """Stage `controls`."""


class Probe(Section):
    """What networks lose on a masked window of adjacent tokens of held-out text."""

    windows: Annotated[list[Positive], Increasing, Field(min_length=1, max_length=100)]
    """Lengths of windows in tokens; at most data.context."""
    blocks: Annotated[int, Field(ge=2, le=10**7)]
    """Held-out blocks, with one window of each length in each; at most data.validation_size."""


class ShownTexts(Section):
    """Stage `decode`."""

    shown_texts: Positive
    """Samples of each checkpoint that are kept as text."""


class GgufModel(Section):
    """A causal language model as a GGUF file in a pinned package."""

    kind: Literal["gguf"]
    """Judge of this kind."""
    package: Package
    """The package."""
    file: PathPattern
    """Name of the GGUF file in it."""


JudgeModel = Annotated[
    HubModel | DirectoryModel | GgufModel | RandomModel, Field(discriminator="kind")
]
"""A causal language model."""


class Judge(Section):
    """How the autoregressive language model reads the samples; which one is a matter of files."""

    texts: Positive
    """Samples per checkpoint and replica that are read."""
    longest: Annotated[int, Field(ge=2, le=10**6)]
    """Tokens of the judge that are read of each."""
