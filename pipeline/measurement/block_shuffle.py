"""Control sequences that are real up to a known length and random beyond."""

import numpy as np

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation, stream_key, uniforms


def shuffle_blocks(tokens: np.ndarray, block_length: int, key: int) -> np.ndarray:
    """Sequences made of blocks of consecutive tokens from unrelated places.

    Blocks are cut out of single sequences, permuted over all of them and joined to one string, out
    of which every new sequence is read from a place that is random, uniformly, with respect to
    the blocks. So two tokens at distance t are in one block, hence a real pair, with probability
    (1 - t / block_length)_+ wherever they are, and are unrelated otherwise.

    Args:
        tokens: sequences [N, d] that are stationary: as probable wherever they are cut.
        block_length: b tokens, 1 to d. If it does not divide d, d mod b tokens of every sequence
            are passed over, and some blocks are used twice in their place.
        key: stream key.

    Returns:
        Sequences [N, d]. Neighbours may share up to b - 1 tokens, at the end of the one and the
        start of the other. With b = 1 a permutation of all tokens.

    Raises:
        PipelineError: the block length is outside its range.
    """
    sequences, length = tokens.shape
    if not 1 <= block_length <= length:
        raise PipelineError(
            f"block_length = {block_length}: sequences have {length} tokens; use 1 to {length}"
        )
    cut = _cut(tokens, block_length, key)
    # Blocks, rounded up: with its phase the last sequence ends up to b - 1 tokens later.
    needed = -(-(sequences * length + block_length - 1) // block_length)
    rounds = range(-(-needed // len(cut)))
    order = np.concatenate([permutation(len(cut), key, "order", turn) for turn in rounds])
    string = cut[order[:needed]].ravel()
    phases = _integers(block_length, key, "phase", sequences)
    starts = np.arange(sequences) * length + phases
    return string[starts[:, None] + np.arange(length)]


def _cut(tokens: np.ndarray, block_length: int, key: int) -> np.ndarray:
    """As many adjacent blocks of every sequence as fit, [N * (d // b), b], from a random place."""
    sequences, length = tokens.shape
    number, rest = divmod(length, block_length)
    starts = _integers(rest + 1, key, "cut", sequences)
    places = starts[:, None] + np.arange(number * block_length)
    return np.take_along_axis(tokens, places, axis=1).reshape(-1, block_length)


def _integers(limit: int, key: int, name: str, count: int) -> np.ndarray:
    """Integers uniform on 0..limit - 1, int64 [count]."""
    return (uniforms(stream_key(key, name), np.arange(count)) * limit).astype(np.int64)
