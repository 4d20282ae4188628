"""Rows that are numbered, not copied: their readers get what a copy would give, bit for bit."""

import numpy as np
import pytest

from pipeline.artifacts import streams
from pipeline.artifacts.chosen_rows import ROWS_OF, map_dataset
from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import permutation
from pipeline.datasets.build import make_dataset
from pipeline.image import data as image_data
from pipeline.text import data as text_data
from pipeline.text import model
from pipeline.text.measure import load_sources, observe
from pipeline.training.batches import Batches
from pipeline.training.train import train
from tests.unit import text_training_case as case
from tests.unit.settings_case import BARE, spec_of
from tests.unit.test_text_domain import SPEC, write_chain

SEEDS = (3, 8)
CELL = case.CELL | {"replicas": [[None, seed, 0] for seed in SEEDS]}
PARTS = {"text": (text_data, "corpus", "blocks"), "image": (image_data, "images", "images")}


def write_source(path, kind, training=300, validation=20, width=6):
    rows = np.random.default_rng(0).integers(0, 200, (training + validation, width), np.uint8)
    tensors = {"training": rows[:training], "validation": rows[training:]}
    write_tensors(path, tensors, make_stamp(kind, BARE, {}))
    return tensors


@pytest.fixture(params=["text", "image"])
def made(request, tmp_path):
    """A dataset of two replicas, its source, and the strings that a copy would hold."""
    part, kind, noun = PARTS[request.param]
    source, output = tmp_path / f"{kind}.safetensors", tmp_path / "dataset.safetensors"
    rows = write_source(source, kind)
    settings = {"training_size": 260, "validation_size": 8, "cell": CELL}
    make_dataset(spec_of("dataset", request.param, settings), part, [source], output)
    orders = [permutation(300, seed, f"training {noun}")[:260] for seed in SEEDS]
    held_out = permutation(20, f"validation {noun}")[:8]
    return output, source, {
        "training": np.stack([rows["training"][order] for order in orders]),
        "validation": np.stack([rows["validation"][held_out]] * 2),
    }  # fmt: skip


def test_numbers_take_the_smallest_integers_that_hold_them(made):
    tensors = read_tensors(made[0], "dataset").tensors
    assert {name: (x.dtype, x.shape) for name, x in tensors.items()} == {
        "training": (np.uint16, (2, 260)),
        "validation": (np.uint8, (2, 8)),
    }


@pytest.mark.parametrize(
    "index",
    [
        np.s_[:],
        np.s_[:, :3],
        np.s_[:, 0],
        np.s_[1, 2:5],
        (np.arange(2)[:, None], np.array([[[4, 0]], [[7, 7]]])),
        np.divmod(np.arange(3, 14), 8),
    ],
)
def test_rows_are_indexed_like_their_copy(made, index):
    output, source, copied = made
    strings = map_dataset(output, [source]).strings
    assert {name: rows.shape for name, rows in strings.items()} == {
        name: rows.shape for name, rows in copied.items()
    }
    for name, rows in copied.items():
        assert np.array_equal(strings[name][index], rows[index])
        assert type(strings[name][index]) is np.ndarray


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_those_of_a_copy(made, shuffle):
    output, source, copied = made
    ours, theirs = (
        Batches(training, [1, 2], 100, 1, lambda u: 1 + (9 * u).astype(int), shuffle, False, 0)
        for training in (map_dataset(output, [source]).strings["training"], copied["training"])
    )
    for step in (0, 1, 2, 7):  # the third begins the second epoch
        for one, other in zip(ours.batch(step)[1:], theirs.batch(step)[1:], strict=True):
            assert one.equal(other)


def test_a_network_learns_what_it_learns_from_a_copy(tmp_path):
    chosen, copied = tmp_path / "chosen", tmp_path / "copied"
    dataset = case.prepare(chosen)
    case.run(chosen)
    strings = map_dataset(dataset, [chosen / "corpus.safetensors"]).strings
    copy, stamp = copied / "dataset.safetensors", read_tensors(dataset, "dataset").stamp
    stamp = {key: value for key, value in stamp.items() if key != ROWS_OF}
    write_tensors(copy, {name: rows[:] for name, rows in strings.items()}, stamp)
    checkpoints = [copied / f"checkpoints/step{step}.safetensors" for step in case.STEPS]
    train(
        spec_of("train", "text", case.TRAIN), model, [], copy, checkpoints, copied / "losses", True
    )
    for path in checkpoints:
        of_copy = read_tensors(path, "checkpoint").tensors
        ours = read_tensors(chosen / "checkpoints" / path.name, "checkpoint").tensors
        assert all(np.array_equal(ours[name], weight) for name, weight in of_copy.items())


def test_what_is_made_of_rows_descends_from_their_source_too(made):
    output, source, _ = made
    hashes = [read_tensors(output, "dataset").sha256]
    hashes.append(streams.map_tensors(source, source.stem).sha256)
    found = map_dataset(output, [source]).inputs
    assert found == dict(zip(["dataset", source.name], hashes, strict=True))


def test_a_source_that_was_altered_is_refused_by_who_reads_its_rows(made):
    output, source, _ = made
    content = bytearray(source.read_bytes())
    content[-1] ^= 1
    source.write_bytes(content)
    with pytest.raises(PipelineError, match="does not hold what its stamp says"):
        map_dataset(output, [source])


def test_samples_are_compared_with_the_numbered_blocks_alone(tmp_path):
    write_chain(tmp_path / "corpus.safetensors")
    (truth,) = load_sources([tmp_path / "corpus.safetensors"], SPEC.settings)
    numbers, samples = np.arange(0, 600, 2, dtype=np.uint16), truth.training[:600:2]
    others = truth.training[1:600:2]
    found = []
    for tokens in (samples, others):
        rows = observe(truth, {"tokens": tokens}, {"training": numbers}, SPEC.settings)
        found += [row.estimate for row in rows if row.quantity == "longest_copied_span"]
    assert found[0] == truth.training.shape[1] > found[1]
