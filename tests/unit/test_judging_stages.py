"""Samples become text and losses, each with the place they belong to."""

import numpy as np
import pytest

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.sources.settings import RandomModel
from pipeline.text.corpus.tokenizer import build_tokenizer, save_tokenizer
from pipeline.text.perplexity.judge import judge
from pipeline.text.perplexity.language_model import prepare_model
from pipeline.text.perplexity.texts import decode_samples
from pipeline.text.settings import Characters
from tests.unit import text_training_case as case
from tests.unit.settings_case import BARE, spec_of

ALPHABET = "abc "
CELL = {"setting": {"setting": "x"}, "dataset_size": "online"}
CELL |= {"replicas": [[None, 0, 0], [None, 0, 7]]}


@pytest.fixture
def tokenizer(tmp_path):
    path = tmp_path / "tokenizer.json"
    characters = Characters(kind="characters", alphabet=ALPHABET)
    coder = build_tokenizer(characters, lambda: iter(()), [])
    save_tokenizer(coder, path, {"kind": "tokenizer"})
    return path


def write_samples(path, texts, symbols=5, **more):
    tokens = np.array([[[ALPHABET.index(c) for c in t] for t in part] for part in texts], np.uint8)
    trained = spec_of("train", "text", case.TRAIN | {"cell": CELL, "symbols": symbols}).plain
    stamp = (
        make_stamp("samples", BARE, {}) | {"step": 5, "trained": trained, "averages": [None]} | more
    )
    write_tensors(path, {"tokens": tokens}, stamp)
    return path


def test_first_samples_are_kept_as_text(tokenizer, tmp_path):
    samples = write_samples(
        tmp_path / "step5", [["ab a", "cccc", "aaaa"], ["bbbb", "c c ", "abcb"]]
    )
    decode_samples(
        spec_of("decode", "text", {"shown_texts": 2}), tokenizer, [samples], tmp_path / "t.parquet"
    )
    table = tables.read_table(tmp_path / "t.parquet", "texts")
    assert table["text"].tolist() == ["ab a", "cccc", "bbbb", "c c "]
    assert table["network_seed"].tolist() == [0, 0, 7, 7]
    assert (table["step"] == 5).all()
    assert "grammar_seed" not in table


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("judge") / "model"
    prepare_model(RandomModel(kind="random"), None, directory)
    return directory


def test_a_judge_with_random_weights_finds_every_token_about_equally_unlikely(
    tokenizer, model, tmp_path
):
    samples = write_samples(tmp_path / "step5", [["ab a", "cccc"], ["bbbb", "c c "]])
    output = tmp_path / "judgements.parquet"
    spec = spec_of("judge", "text", {"texts": 2, "longest": 4})
    judge(spec, model, tokenizer, [samples], output)
    table = tables.read_table(output, "judgements")
    assert (
        table.groupby("network_seed")["context"].apply(list).tolist()
        == [pytest.approx([np.nan, np.nan, 1, 2, 4], nan_ok=True)] * 2
    )
    assert table["estimate"].to_numpy() == pytest.approx(np.log(257), abs=0.1)


def test_controls_are_told_by_their_block_length(tokenizer, model, tmp_path):
    control = {"setting": "x", "block_length": 4.0}
    samples = write_samples(tmp_path / "blocks4", [["ab a", "cccc"]], control=control)
    output = tmp_path / "control_judgements.parquet"
    judge(spec_of("judge", "text", {"texts": 2, "longest": 3}), model, tokenizer, [samples], output)
    table = tables.read_table(output, "control_judgements")
    assert (table["block_length"] == 4).all()
    assert "step" not in table


def test_samples_of_another_vocabulary_are_refused(tokenizer, tmp_path):
    samples = write_samples(tmp_path / "step5", [["aaaa"], ["bbbb"]], symbols=28)
    with pytest.raises(PipelineError, match="of a vocabulary of 28 tokens, but .* has 5; train"):
        decode_samples(
            spec_of("decode", "text", {"shown_texts": 1}), tokenizer, [samples], tmp_path / "t"
        )
