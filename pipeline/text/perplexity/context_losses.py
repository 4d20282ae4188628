"""Losses of texts under an autoregressive language model, by the number of preceding tokens.

A text whose parts fit together only up to some distance gains nothing from context beyond it, so
the loss as a function of the context's length shows how far generated text is coherent. Every
text is preceded by one beginning-of-sequence token (BOS), and the n-th token after it is
predicted from exactly the n tokens before it, BOS included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from pipeline.base.errors import PipelineError
from pipeline.measurement.estimate import Row, ratio
from pipeline.text.perplexity.fitness import check_longest, first_token


@dataclass(frozen=True)
class JudgeRow(Row):
    """One number about texts that were judged.

    Attributes:
        context: least number of preceding tokens, or None for all.
    """

    context: int | None = None


@dataclass(frozen=True)
class ContextLosses:
    """Losses of N texts.

    Attributes:
        losses: nats, float64 [N, longest]; column n - 1 is that of the n-th token given the n
            tokens before it, NaN where the text has ended.
        characters: length of what these tokens spell, int [N].
    """

    losses: np.ndarray
    characters: np.ndarray


def context_losses(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    longest: int,
    tokens_per_call: int = 2048,
) -> ContextLosses:
    """Losses of the first `longest` tokens of every text.

    Args:
        model: language model, in evaluation mode.
        tokenizer: the model's own; names of special tokens inside a text count as text.
        texts: at least one.
        longest: greatest number of preceding tokens, BOS included.
        tokens_per_call: tokens that the model reads at once, padding included, but at least one
            text; memory grows by this times the size of the vocabulary.

    Raises:
        PipelineError: the model cannot read so many tokens, has no token to begin with, or
            gives a loss that is not finite.
    """
    check_longest(model, longest)
    tokens, characters = _encode(tokenizer, texts, longest)
    begin = first_token(tokenizer)
    lengths = np.array([len(row) for row in tokens])
    losses = np.full((len(texts), longest), np.nan)
    for batch in _batches(lengths, tokens_per_call):
        found = _losses(model, begin, [tokens[text] for text in batch])
        for text, row in zip(batch, found, strict=True):
            losses[text, : len(row)] = row
    return ContextLosses(losses, characters)


def summarise(measured: ContextLosses, edges: Sequence[int]) -> list[JudgeRow]:
    """Mean losses, and their standard errors over texts (tokens of one text are not independent).

    Args:
        measured: losses of N texts.
        edges: least number of preceding tokens of each bin, increasing from 1 or more; the last
            bin is open.

    Returns:
        `judge_loss`, nats per token, over all tokens and in each bin, and
        `judge_loss_per_character`, nats per character, which does not depend on how many
        characters the judge's tokens have.
    """
    scored = ~np.isnan(measured.losses)
    losses = np.where(scored, measured.losses, 0)
    total = losses.sum(axis=1)
    rows = [
        JudgeRow("judge_loss", *ratio(total, scored.sum(axis=1))),
        JudgeRow("judge_loss_per_character", *ratio(total, measured.characters)),
    ]
    for low, high in pairwise([*edges, losses.shape[1] + 1]):
        chosen = slice(low - 1, high - 1)
        found = ratio(losses[:, chosen].sum(axis=1), scored[:, chosen].sum(axis=1))
        rows.append(JudgeRow("judge_loss", *found, context=low))
    return rows


def _encode(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], longest: int
) -> tuple[list[list[int]], np.ndarray]:
    """First tokens of every text, without BOS, and where in the text they end."""
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,  # some tokenizers would add BOS, others not
        split_special_tokens=True,
        return_offsets_mapping=True,
        verbose=False,
    )
    ends = [max((end for _, end in row[:longest]), default=0) for row in encoded["offset_mapping"]]
    return [row[:longest] for row in encoded["input_ids"]], np.array(ends)


def _batches(lengths: np.ndarray, tokens_per_call: int) -> Iterator[np.ndarray]:
    """Numbers of the texts to read together, longest first; empty texts are left out."""
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    while len(order):
        size = max(1, tokens_per_call // lengths[order[0]])
        yield order[:size]
        order = order[size:]


@torch.inference_mode()
def _losses(model: PreTrainedModel, begin: int, batch: list[list[int]]) -> list[np.ndarray]:
    """Losses of texts of one batch, the first of which is the longest."""
    inputs = torch.full((len(batch), len(batch[0])), begin)
    mask = torch.zeros_like(inputs)
    for row, tokens in enumerate(batch):
        inputs[row, 1 : len(tokens)] = torch.tensor(tokens[:-1])
        mask[row, : len(tokens)] = 1
    inputs, mask = inputs.to(model.device), mask.to(model.device)
    logits = model(input_ids=inputs, attention_mask=mask, use_cache=False).logits
    return [_finite(_row_losses(*pair)) for pair in zip(logits, batch, strict=True)]


def _row_losses(logits: torch.Tensor, tokens: list[int]) -> np.ndarray:
    targets = torch.tensor(tokens, device=logits.device)
    # In float32, as bfloat16 would round each loss to two or three digits.
    losses = cross_entropy(logits[: len(tokens)].float(), targets, reduction="none")
    return losses.double().cpu().numpy()


def _finite(losses: np.ndarray) -> np.ndarray:
    """The losses; NaN among them would pass for the end of the text."""
    if not np.isfinite(losses).all():
        raise PipelineError(
            "domains.text.judge: its model gives a loss that is no finite number; "
            "its weights may be broken: delete its directory to have it made anew"
        )
    return losses
