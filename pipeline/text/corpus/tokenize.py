"""From documents to blocks of tokens, in memory that does not grow with their number."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import numpy as np
from tokenizers import Tokenizer

from pipeline.base.errors import PipelineError
from pipeline.text.corpus.tokenizer import END_OF_DOCUMENT

_PIECE = 1 << 13
"""Characters after which a document is cut, so that all threads get some of it."""
_BATCH = 128
"""Pieces that are tokenised at once."""
_CUTS = (re.compile(r"(?<=[A-Za-z])(?=[ \n])"), re.compile(r"(?<=\S)(?=[ \n])"))
"""Where a document may be cut: before blanks, if possible after a letter."""


def cut(document: str) -> Iterator[str]:
    """Pieces of a document that together have the tokens of the whole.

    No token of a byte-level BPE spans the beginning of a run of blanks, and a tokenizer of
    characters makes one blank of such a run after a letter. Where 8192 characters have no letter of
    a-z before a blank, as in other scripts, a tokenizer of characters may make two blanks at the
    cut. Where they have no blank at all, the tokens around the cut may be others.
    """
    start = 0
    while len(document) - start > 2 * _PIECE:
        stop = _next_cut(document, start + _PIECE)
        yield document[start:stop]
        start = stop
    yield document[start:]


def _next_cut(document: str, start: int) -> int:
    found = (place.search(document, start, start + _PIECE) for place in _CUTS)
    return next((match.start() for match in found if match), start)


def token_type(vocabulary_size: int) -> np.dtype:
    """Smallest unsigned type that holds all tokens, of 16 bits at least."""
    return np.min_scalar_type(max(vocabulary_size - 1, 256))


def token_batches(tokenizer: Tokenizer, documents: Iterable[str]) -> Iterator[np.ndarray]:
    """Tokens of documents, each followed by `END_OF_DOCUMENT`, as one-dimensional arrays."""
    dtype = token_type(tokenizer.get_vocab_size())
    end = np.array([tokenizer.token_to_id(END_OF_DOCUMENT)], dtype)
    pieces = (piece for document in documents for piece in chain(cut(document), [None]))
    while batch := list(islice(pieces, _BATCH)):
        texts = [piece for piece in batch if piece is not None]
        codes = iter(tokenizer.encode_batch_fast(texts, add_special_tokens=False))
        parts = [end if piece is None else np.array(next(codes).ids, dtype) for piece in batch]
        yield np.concatenate(parts)


def pack(batches: Iterable[np.ndarray], context: int, split: str) -> Iterator[np.ndarray]:
    """Blocks [n, context] of consecutive tokens; the last ones, too few for a block, are dropped.

    Raises:
        PipelineError: the split has not one block.
    """
    rest, packed = np.zeros(0, np.uint8), False
    for batch in batches:
        joined = np.concatenate([rest, batch])
        whole = len(joined) // context * context
        if whole:
            packed = True
            yield joined[:whole].reshape(-1, context)
        rest = joined[whole:]
    if not packed:
        raise PipelineError(
            f"the {split} documents have {len(rest)} tokens, fewer than one block of "
            f"domains.text.data.context = {context}; add documents, change "
            "domains.text.data.validation_fraction or lower the context"
        )
