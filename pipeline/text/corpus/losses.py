"""What a tokenizer of characters loses of a text."""

import sys
from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer

from pipeline.base.errors import PipelineError

_KEY = "domains.text.data.tokenizer"
_SHOWN = 8
"""Lost characters that are named, the most frequent first."""
_ACCENTS = range(0x300, 0x370)
"""Accents that stand by themselves, after their letters."""


def measure_loss(tokenizer: Tokenizer, most: float, documents: Iterable[str]) -> float:
    """Share of the characters of documents that have no token; blanks and accents do not count.

    It is printed with the characters that are lost most often.

    Args:
        tokenizer: of characters.
        most: share that may be lost.
        documents: all of them, one at a time.

    Raises:
        PipelineError: the share is larger.
    """
    counts: Counter[str] = Counter()
    for text in documents:
        counts.update(text)
    counted = {c: n for c, n in counts.items() if not c.isspace() and ord(c) not in _ACCENTS}
    lost = Counter({c: n for c, n in counted.items() if _vanishes(c, tokenizer)})
    share = lost.total() / max(sum(counted.values()), 1)
    names = " ".join(repr(character) for character, _ in lost.most_common(_SHOWN))
    told = f"{share:.1%} of the characters that are not blank are not in the alphabet"
    print(f"{told}, most often {names}" if lost else told, file=sys.stderr)
    if share > most:
        raise PipelineError(
            f"{_KEY}.alphabet: {told}, more than most_lost = {most}; most often "
            f"these are {names}: add them, choose another tokenizer, or raise {_KEY}.most_lost"
        )
    return share


def _vanishes(character: str, tokenizer: Tokenizer) -> bool:
    return not tokenizer.normalizer.normalize_str(character).strip(" ")
