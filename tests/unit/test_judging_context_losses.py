"""Judge losses against one call of the model for every single prefix."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from pipeline.base.errors import PipelineError
from pipeline.text.perplexity.context_losses import ContextLosses, context_losses, summarise

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIAL = ["<unk>", "<s>", "</s>", "<", ">", "/"]
VOCABULARY = [*SPECIAL, *LETTERS, *(f"##{a}" for a in LETTERS), "the", "##ing", "##ed", "river"]
TEXTS = ["the river was freezing", "a", "", "we walked along the river", "end", "singing the end"]
LONGEST = 12


def tokenizer(adds_bos=False, **special):
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    inner = Tokenizer(WordPiece(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = Whitespace()
    if adds_bos:
        inner.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    special = special or {"bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", **special)


def llama(positions=32):
    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config).eval()


def gpt2(positions=32):
    config = GPT2Config(
        vocab_size=len(VOCABULARY),
        n_embd=16,
        n_layer=2,
        n_head=4,
        n_positions=positions,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    return GPT2LMHeadModel(config).eval()


def pieces(text):
    return tokenizer().tokenize(text)[:LONGEST]


@torch.inference_mode()
def loss_of_last(model, ids):
    """-ln p(last token | the others), from a call that reads the others and nothing else."""
    logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0, -1].double()
    return float(torch.logsumexp(logits, 0) - logits[ids[-1]])


def watched(model):
    """List to which the arguments of every call of the model are added."""
    calls = []
    model.register_forward_pre_hook(lambda module, _, named: calls.append(named), with_kwargs=True)
    return calls


def one_by_one(model, text, begin="<s>"):
    ids = [VOCABULARY.index(token) for token in [begin, *pieces(text)]]
    return [loss_of_last(model, ids[: n + 1]) for n in range(1, len(ids))]


@pytest.mark.parametrize("architecture", [llama, gpt2])
def test_every_loss_is_that_of_its_prefix_alone(architecture):
    model = architecture()
    measured = context_losses(model, tokenizer(), TEXTS, LONGEST)
    assert measured.losses.shape == (len(TEXTS), LONGEST)
    assert measured.losses.dtype == np.float64
    for text, losses in zip(TEXTS, measured.losses, strict=True):
        expected = one_by_one(model, text)
        assert losses[: len(expected)] == pytest.approx(expected, abs=1e-4)
        assert np.isnan(losses[len(expected) :]).all()
    assert np.isfinite(measured.losses).all(axis=1).any()  # one text is longer than LONGEST


@pytest.mark.parametrize("architecture", [llama, gpt2])
def test_a_loss_depends_neither_on_the_other_texts_nor_on_their_order(architecture):
    model = architecture()
    alone = [context_losses(model, tokenizer(), [t], LONGEST).losses[0] for t in TEXTS]
    for tokens_per_call in (1, 13, 30, 10_000):
        together = context_losses(model, tokenizer(), TEXTS, LONGEST, tokens_per_call)
        assert together.losses == pytest.approx(np.array(alone), abs=1e-4, nan_ok=True)
    reverse = context_losses(model, tokenizer(), TEXTS[::-1], LONGEST).losses[::-1]
    assert reverse == pytest.approx(np.array(alone), abs=1e-4, nan_ok=True)


def test_the_model_reads_at_most_the_tokens_asked_for_and_every_text_once():
    model = llama()
    calls = watched(model)
    context_losses(model, tokenizer(), TEXTS, LONGEST, tokens_per_call=24)
    assert max(call["input_ids"].numel() for call in calls) <= 24
    lengths = [n for call in calls for n in call["attention_mask"].sum(dim=1).tolist()]
    assert sorted(lengths) == sorted(len(pieces(text)) for text in TEXTS if text)


@pytest.mark.parametrize("adds_bos", [True, False])
def test_every_text_begins_with_one_bos_whatever_the_tokenizer_does(adds_bos):
    model, tokens = llama(), tokenizer(adds_bos=adds_bos)
    calls = watched(model)
    assert tokens("the")["input_ids"].count(1) == adds_bos
    found = context_losses(model, tokens, ["the river"], LONGEST).losses[0]
    assert calls[0]["input_ids"].tolist() == [[1, VOCABULARY.index("the")]]
    assert found[:2] == pytest.approx(one_by_one(model, "the river"), abs=1e-4)


def test_without_bos_a_text_begins_with_the_end_of_another():
    model = llama()
    found = context_losses(model, tokenizer(eos_token="</s>"), ["the river"], LONGEST).losses[0]
    assert found[:2] == pytest.approx(one_by_one(model, "the river", "</s>"), abs=1e-4)


def test_a_beginning_of_id_zero_counts_as_one():
    model = llama()
    special = {"bos_token": "<unk>", "eos_token": "</s>"}
    found = context_losses(model, tokenizer(**special), ["the"], LONGEST).losses[0]
    assert found[0] == pytest.approx(one_by_one(model, "the", "<unk>")[0], abs=1e-4)


def test_a_tokenizer_without_either_is_refused():
    with pytest.raises(PipelineError, match="neither bos_token nor eos_token"):
        context_losses(llama(), tokenizer(pad_token="<"), ["a"], LONGEST)


def test_names_of_special_tokens_in_a_text_are_text():
    found = context_losses(llama(), tokenizer(), ["a <s> b </s>"], LONGEST)
    assert np.isfinite(found.losses[0]).sum() == len(["a", "<", "s", ">", "b", "</", "s", ">"])


def test_a_model_without_preferences_loses_the_logarithm_of_its_vocabulary():
    model = llama()
    torch.nn.init.zeros_(model.lm_head.weight)
    losses = context_losses(model, tokenizer(), TEXTS, LONGEST).losses
    assert np.nanmin(losses) == pytest.approx(np.log(len(VOCABULARY)), abs=1e-6)
    assert np.nanmax(losses) == pytest.approx(np.log(len(VOCABULARY)), abs=1e-6)


def test_logits_of_half_precision_are_normalised_in_single_precision():
    model, text = llama().to(torch.bfloat16), TEXTS[0]
    with torch.inference_mode():
        inputs = torch.tensor([[1] + [VOCABULARY.index(p) for p in pieces(text)]])
        logits = model(inputs[:, :-1]).logits[0].double()
    expected = -torch.log_softmax(logits, dim=1).gather(1, inputs[0, 1:, None]).squeeze(1)
    found = context_losses(model, tokenizer(), [text], len(expected)).losses[0]
    assert found == pytest.approx(expected.numpy(), abs=1e-5)


@pytest.mark.parametrize("architecture", [llama, gpt2])
def test_the_context_ends_where_the_model_does(architecture):
    text = ["a " * 20]
    assert np.isfinite(context_losses(architecture(8), tokenizer(), text, 8).losses).all()
    with pytest.raises(PipelineError, match="at most 8 tokens") as refused:
        context_losses(architecture(8), tokenizer(), text, 9)
    assert "domains.text.judge.longest = 9" in str(refused.value)


def test_a_broken_model_does_not_pass_for_a_text_that_has_ended():
    model = llama()
    torch.nn.init.constant_(model.lm_head.weight, float("nan"))
    with pytest.raises(PipelineError, match="no finite number"):
        context_losses(model, tokenizer(), TEXTS, LONGEST)


def test_characters_are_counted_up_to_the_last_token_that_is_judged():
    found = context_losses(llama(), tokenizer(), ["the river was", "", "  a b "], longest=3)
    assert found.characters.tolist() == [len("the river w"), 0, len("  a b")]


@pytest.fixture
def made_up():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 20, size=200)
    losses = rng.normal(3, 1, size=(200, 20)) + rng.normal(size=(200, 1))
    losses[np.arange(20) >= lengths[:, None]] = np.nan
    return ContextLosses(losses, lengths * rng.integers(3, 6, size=200))


def by_context(rows):
    return {row.context: row for row in rows if row.quantity == "judge_loss"}


def test_bins_hold_every_token_by_the_number_of_tokens_before_it(made_up):
    rows = by_context(summarise(made_up, [1, 2, 4, 8, 16, 32]))
    assert list(rows) == [None, 1, 2, 4, 8, 16, 32]
    members = {1: [1], 2: [2, 3], 4: [4, 5, 6, 7], 8: range(8, 16), 16: range(16, 21)}
    for low, contexts in members.items():
        losses = np.array([made_up.losses[:, n - 1] for n in contexts])
        assert rows[low].estimate == pytest.approx(np.nanmean(losses))
        assert rows[low].count == np.isfinite(losses).sum()
    assert rows[None].estimate == pytest.approx(np.nanmean(made_up.losses))
    assert rows[None].count == sum(rows[low].count for low in members)
    assert rows[32].count == 0 and np.isnan(rows[32].estimate)


def test_contexts_below_the_first_edge_are_in_no_bin(made_up):
    rows = by_context(summarise(made_up, [5, 9]))
    assert rows[5].estimate == pytest.approx(np.nanmean(made_up.losses[:, 4:8]))
    assert rows[9].estimate == pytest.approx(np.nanmean(made_up.losses[:, 8:]))


def test_loss_per_character_is_all_nats_over_all_characters(made_up):
    (row,) = [r for r in summarise(made_up, [1]) if r.quantity == "judge_loss_per_character"]
    expected = np.nansum(made_up.losses) / made_up.characters.sum()
    assert (row.estimate, row.count) == (pytest.approx(expected), made_up.characters.sum())


def test_standard_errors_are_those_of_whole_texts(made_up):
    picks = np.random.default_rng(1).integers(200, size=(1000, 200))
    drawn = [np.nanmean(made_up.losses[pick]) for pick in picks]
    row = by_context(summarise(made_up, [1]))[None]
    assert row.standard_error == pytest.approx(np.std(drawn), rel=0.1)
    error_of_independent_tokens = np.nanstd(made_up.losses) / np.sqrt(row.count)
    assert row.standard_error > 1.5 * error_of_independent_tokens
