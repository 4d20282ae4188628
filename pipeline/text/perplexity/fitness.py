"""Whether a language model can be a judge: it reads from left to right, and as far as is needed."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from pipeline.base.errors import PipelineError, one_line

_TOKENS = 16
"""Tokens of the texts that it is tried on, at most; the second half differs between them."""
_MARGIN = 16
"""Tokens that a model may declare beyond those that it can read, as some count padding in."""
_ROUNDINGS = 100
"""Rounding errors by which losses may differ, as the order of sums may depend on later tokens."""
_MOST_PRODUCTS = 2e11
"""Weights times tokens of a text that is read as a trial: some seconds on a processor."""
_LIMITS = ("max_position_embeddings", "max_seq_len")
"""Names that configs give to the number of tokens that a model reads."""


def check_judge(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, longest: int | None
) -> None:
    """Try a judge.

    Args:
        model: the judge.
        tokenizer: its own.
        longest: tokens that it will have to read, or None for as many as it can.

    Raises:
        PipelineError: it cannot read so many tokens, or sees none of the first ones from the last,
            or has no token to begin a text with.
        ValueError: what it says of a token depends on later ones.
    """
    first_token(tokenizer)
    limit = _limit(model)
    if longest is not None:
        check_longest(model, longest)
        if limit is None or longest > limit - _MARGIN:
            _try_length(model, longest)
        _check_reach(model, longest)
    _check_order(model, min(_TOKENS, longest or _TOKENS, limit or _TOKENS))


def check_longest(model: PreTrainedModel, longest: int) -> None:
    """Raise PipelineError if a model says that it cannot read so many tokens."""
    limit = _limit(model)
    if limit is not None and longest > limit:
        raise _too_long(longest, f"the model reads at most {limit} tokens")


def known_tokens(model: PreTrainedModel) -> int:
    """How many tokens a model can read, by the rows of its embedding."""
    return model.get_input_embeddings().num_embeddings


def first_token(tokenizer: PreTrainedTokenizerFast) -> int:
    """BOS, or the end-of-sequence token of models that separate documents by it.

    Raises:
        PipelineError: there is neither.
    """
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return token
    raise PipelineError(
        "domains.text.judge: its tokenizer has neither bos_token nor eos_token to begin a text "
        "with; choose another judge"
    )


def _limit(model: PreTrainedModel) -> int | None:
    """Tokens that a model says it reads; None where it does not say."""
    config = model.config.get_text_config()
    limits = [limit for name in _LIMITS if (limit := getattr(config, name, None))]
    return min((limit for limit in limits if limit > 0), default=None)


def _too_long(longest: int, reason: str) -> PipelineError:
    return PipelineError(
        f"domains.text.judge.longest = {longest}, but {reason}; lower it or choose another judge"
    )


@torch.inference_mode()
def _try_length(model: PreTrainedModel, longest: int) -> None:
    """Have it read one text of this length."""
    try:
        model(input_ids=_random_tokens(model, longest), use_cache=False)
    except (RuntimeError, IndexError, ValueError) as error:
        reason = one_line(error)
        raise _too_long(longest, f"the model fails to read as many tokens ({reason})") from error


@torch.inference_mode()
def _check_reach(model: PreTrainedModel, longest: int) -> None:
    """Read two texts that differ in their first quarter: the last logits must differ, too.

    Attention to a window of tokens would make any text look incoherent beyond it. A quarter
    differs, as a single token might vanish in rounding. The trial is left out where it would take
    minutes.
    """
    if longest * model.num_parameters() > _MOST_PRODUCTS:
        return
    tokens = _random_tokens(model, longest).repeat(2, 1)
    quarter = -(-longest // 4)
    tokens[1, :quarter] = (tokens[1, :quarter] + 1) % known_tokens(model)
    one, other = model(input_ids=tokens, use_cache=False).logits[:, -1]
    if torch.equal(one, other):
        raise _too_long(longest, "what the model says after them does not depend on the first ones")


@torch.inference_mode()
def _check_order(model: PreTrainedModel, length: int) -> None:
    """Read two texts of which the second half differs: what is said of the first must not."""
    tokens = _random_tokens(model, 2 * length).reshape(2, length)
    half = length // 2
    tokens[1, :half] = tokens[0, :half]
    logits = model(input_ids=tokens, use_cache=False).logits[:, :half].float()
    one, other = logits.log_softmax(-1)
    difference = (one - other).abs().max().item()
    if not difference <= _ROUNDINGS * torch.finfo(model.dtype).eps:
        raise ValueError(
            f"it is not autoregressive: later tokens change losses by up to {difference:.2g} nats"
        )


def _random_tokens(model: PreTrainedModel, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(known_tokens(model), (1, count), generator=generator).to(model.device)
