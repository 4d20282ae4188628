"""Control images that are real up to a known length and random beyond."""

import numpy as np

from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation


def exchange_blocks(pictures: np.ndarray, block_length: int, key: int) -> np.ndarray:
    """Images whose blocks come from different images, each from the place where it is put.

    The grid of blocks is the same for all images, and the images are permuted independently at
    each of its places. So means and variances of every pixel are those of the images, two pixels
    of one block are a real pair, and two of different blocks are unrelated. Along an axis of s
    pixels a share (1 - r / b) / (1 - r / s) of the pairs at distance r < b is within a block.

    Args:
        pictures: [N, C, s, s].
        block_length: side b of the blocks in pixels, a divisor of s; s permutes whole images.
        key: stream key.

    Returns:
        Pictures [N, C, s, s].

    Raises:
        PipelineError: the block length does not divide the side.
    """
    side = pictures.shape[-1]
    if block_length < 1 or side % block_length:
        raise PipelineError(
            f"block_length = {block_length} does not divide the {side} pixels of images; "
            "use a divisor"
        )
    exchanged = np.empty_like(pictures)
    for row in range(0, side, block_length):
        for column in range(0, side, block_length):
            place = np.s_[..., row : row + block_length, column : column + block_length]
            order = permutation(len(pictures), key, row, column)
            exchanged[place] = pictures[place][order]
    return exchanged
