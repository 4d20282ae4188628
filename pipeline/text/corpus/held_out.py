"""Real text that models were not trained on, for estimators and controls."""

from dataclasses import dataclass

import numpy as np

from pipeline.base.errors import PipelineError


@dataclass(frozen=True)
class HeldOutText:
    """Three sets of blocks of held-out documents, tokens [N, context] each.

    Attributes:
        direction: of every second document.
        real: every second block of the other documents.
        control: the blocks between these.
    """

    direction: np.ndarray
    real: np.ndarray
    control: np.ndarray


def held_out_text(blocks: np.ndarray, end_of_document: int, most: int) -> HeldOutText:
    """Divide held-out text by document, alternately, so that a drift over documents is shared.

    Args:
        blocks: consecutive blocks of the held-out documents, [N, context].
        end_of_document: token after every document.
        most: blocks of each set.

    Raises:
        PipelineError: there are too few documents or tokens for a block of each set.
    """
    context = blocks.shape[1]
    tokens = np.asarray(blocks[: 4 * most]).ravel()
    # Number of each token's document; less one at its end, which is still part of it.
    number = np.cumsum(tokens == end_of_document) - (tokens == end_of_document)
    first, second = (_pack(tokens[number % 2 == side], context) for side in (0, 1))
    if len(first) < 1 or len(second) < 2:
        raise PipelineError(
            f"held-out text: {number[-1] + 1} documents fill {len(first)} and {len(second)} blocks "
            f"of {context} tokens; raise domains.text.data.validation_fraction"
        )
    return HeldOutText(first[:most], second[::2][:most], second[1::2][:most])


def _pack(tokens: np.ndarray, context: int) -> np.ndarray:
    return tokens[: len(tokens) // context * context].reshape(-1, context)
