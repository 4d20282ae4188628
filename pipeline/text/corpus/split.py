"""Which documents are held out for validation: whole ones, by a seeded hash of their number."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key, uniforms


@dataclass(frozen=True)
class Split:
    """Documents in two parts.

    Attributes:
        read: reads all documents, in the same order each time.
        fraction: share of them that is held out, 0..1.
        seed: of the choice.
    """

    read: Callable[[], Iterator[str]]
    fraction: float
    seed: int

    def training(self) -> Iterator[str]:
        """Documents that are not held out."""
        return (text for number, text in enumerate(self.read()) if not self._holds_out(number))

    def validation(self) -> Iterator[str]:
        """Documents that are held out."""
        return (text for number, text in enumerate(self.read()) if self._holds_out(number))

    def count(self) -> "Census":
        """Read everything once.

        Raises:
            PipelineError: one of the parts is empty.
        """
        documents = held_out = size = 0
        digest = hashlib.sha256()
        for number, text in enumerate(self.read()):
            content = text.encode()
            digest.update(len(content).to_bytes(8, "little"))
            digest.update(content)
            documents, size = documents + 1, size + len(content)
            held_out += self._holds_out(number)
        if held_out in (0, documents):
            raise PipelineError(
                f"domains.text.data.validation_fraction = {self.fraction} holds out {held_out} of "
                f"{documents} documents; change it or domains.text.data.split_seed, so that some "
                "are held out and some are not, or add documents"
            )
        return Census(documents, held_out, size, digest.hexdigest())

    def _holds_out(self, number: int) -> bool:
        draw = uniforms(stream_key(self.seed, "validation documents"), number)
        return bool(draw[0] < self.fraction)


@dataclass(frozen=True)
class Census:
    """What all documents come to.

    Attributes:
        documents: how many there are.
        held_out: how many of them are held out.
        size: bytes of their texts in UTF-8.
        sha256: hash of their texts and lengths, in order.
    """

    documents: int
    held_out: int
    size: int
    sha256: str
