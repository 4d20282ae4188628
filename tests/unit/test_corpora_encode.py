"""Pieces, batches and blocks: the same tokens as documents tokenised whole, one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from pipeline.base.errors import PipelineError
from pipeline.text.corpus import tokenize as encode
from pipeline.text.corpus.tokenizer import END_OF_DOCUMENT, build_tokenizer
from pipeline.text.settings import Characters, TrainedBpe

TEXT = "The cat's hat,  the 12 mats; the other\n\n  theme is that they'd thaw in the  end! "
LETTERS = Characters(kind="characters", alphabet=" acdefhimnorstwy")
documents = st.lists(st.text("theé a,1 \n\t", min_size=1, max_size=60), min_size=1, max_size=6)


@pytest.fixture(scope="module", params=["characters", "bpe"])
def tokenizer(request):
    settings = {"characters": LETTERS, "bpe": TrainedBpe(kind="bpe", vocabulary_size=280)}
    return build_tokenizer(settings[request.param], lambda: iter([TEXT]), [])


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(encode, "_PIECE", 30)
    monkeypatch.setattr(encode, "_BATCH", 3)


def whole(tokenizer, texts):
    """Tokens of every document, tokenised at once."""
    end = [tokenizer.token_to_id(END_OF_DOCUMENT)]
    return [token for text in texts for token in tokenizer.encode(text).ids + end]


@given(text=st.text("ab \n", max_size=200) | st.text(max_size=200))
def test_pieces_make_up_the_document_and_are_short(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encode, "_PIECE", 10)
        pieces = list(encode.cut(text))
    assert "".join(pieces) == text
    assert all(len(piece) <= 20 for piece in pieces)
    assert len(pieces) <= 1 + len(text) / 10


def test_the_tokens_of_long_documents_are_those_of_the_whole(tokenizer):
    text = TEXT * 2000
    assert len(list(encode.cut(text))) > 10
    (tokens,) = encode.token_batches(tokenizer, [text])
    assert tokens.tolist() == whole(tokenizer, [text])


@pytest.mark.parametrize("number", range(20))
def test_cuts_change_no_token(tokenizer, small_pieces, number):
    words = TEXT.split(" ")
    order = np.random.default_rng(number).permutation(len(words))
    texts = [" ".join(words[i] for i in order), TEXT, "a", TEXT[number:]]
    tokens = np.concatenate(list(encode.token_batches(tokenizer, texts)))
    assert tokens.tolist() == whole(tokenizer, texts)


@given(texts=documents)
def test_every_document_is_followed_by_its_end(texts):
    tokenizer = build_tokenizer(LETTERS, None, [])
    tokens = np.concatenate(list(encode.token_batches(tokenizer, texts)))
    assert tokens.tolist() == whole(tokenizer, texts)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(2, np.uint16), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)],
)
def test_tokens_fit_their_type(size, expected):
    assert encode.token_type(size) == expected


def test_tokens_beyond_16_bits_are_kept():
    vocabulary = {f"<{number}>": number for number in range(70_000)} | {"a": 70_000}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.add_special_tokens([END_OF_DOCUMENT])
    (tokens,) = encode.token_batches(tokenizer, ["aa"])
    assert tokens.dtype == np.uint32
    assert tokens.tolist() == [70_000, 70_000, 70_001]


@given(sizes=st.lists(st.integers(0, 30), max_size=8), context=st.integers(2, 9))
def test_blocks_are_consecutive_and_only_a_rest_is_dropped(sizes, context):
    tokens = np.arange(sum(sizes), dtype=np.uint16)
    batches = np.split(tokens, np.cumsum(sizes)[:-1]) if sizes else []
    count = len(tokens) // context
    if count:
        blocks = np.concatenate(list(encode.pack(batches, context, "training")))
        assert blocks.dtype == np.uint16
        assert np.array_equal(blocks, tokens[: count * context].reshape(count, context))
    else:
        expected = f"the training documents have {len(tokens)} tokens"
        with pytest.raises(PipelineError, match=expected):
            list(encode.pack(batches, context, "training"))


def test_a_split_without_a_block_is_told_the_remedy():
    with pytest.raises(PipelineError) as refused:
        list(encode.pack([np.arange(5)], 6, "validation"))
    message = str(refused.value)
    assert message.startswith("the validation documents have 5 tokens, fewer than one block")
    assert "domains.text.data.context = 6" in message
    assert "validation_fraction" in message
    assert "\n" not in message
