"""Config of text data: where documents come from, and how they become blocks of tokens."""

import unicodedata
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.fields import Fraction, Positive, Section, Seed
from pipeline.config.packages import DirectorySource, HubSource, Package, PathPattern


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


Source = Annotated[PackageSource | DirectorySource | HubSource, Field(discriminator="kind")]


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

    @property
    def vocabulary_size(self) -> int:
        """The alphabet and the end of a document."""
        return len(self.alphabet) + 1

    @property
    def label(self) -> str:
        """Name of the tokenizer in paths."""
        return f"characters{self.vocabulary_size}"

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

    @property
    def label(self) -> str:
        """Name of the tokenizer in paths."""
        return f"bpe{self.vocabulary_size}"


class Gpt2(Section):
    """The BPE of GPT-2, 50257 tokens, from a package that holds its encoder.json and vocab.bpe."""

    kind: Literal["gpt2"]
    """Tokenizer of this kind."""
    package: Package
    """The package."""

    @property
    def vocabulary_size(self) -> int:
        """50257, the end of a document included."""
        return 50257

    @property
    def label(self) -> str:
        """Name of the tokenizer in paths."""
        return "gpt2"


Tokenizer = Annotated[Characters | TrainedBpe | Gpt2, Field(discriminator="kind")]


class Data(Section):
    """From documents to blocks of tokens."""

    source: Source
    """Where documents come from."""
    tokenizer: Tokenizer
    """How they become tokens."""
    context: Annotated[int, Field(ge=2)]
    """Tokens of a block; documents are joined, with an end-of-document token after each."""
    validation_fraction: Annotated[Fraction, Field(gt=0)]
    """Share of the documents that are held out, whole."""
    split_seed: Seed
    """Seed of the choice of held-out documents."""
    validation_size: Positive
    """Held-out blocks, at most, that losses are taken on."""
