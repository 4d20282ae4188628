"""The text domain's parts: nested datasets, observables of known samples, calibrated controls."""

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.artifacts.chosen_rows import map_dataset
from pipeline.artifacts.tensors import make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import uniforms
from pipeline.datasets.build import make_dataset
from pipeline.measurement.controls import make_controls
from pipeline.measurement.distance_counts import DistanceCounts
from pipeline.measurement.measure import measure
from pipeline.sampling.generate import sample
from pipeline.text import controls, data, model, sampler
from pipeline.text import measure as text_measure
from pipeline.text.measure import load_sources, observe
from tests.unit import text_training_case as case
from tests.unit.settings_case import BARE, spec_of

SETTINGS = {
    "distances": [1, 2, 4, 8],
    "jackknife_blocks": 16,
    "random_halves": 3,
    "bootstrap_samples": 100,
    "largest_error": 0.25,
    "reference_sequences": 400,
    "real_copies": 0.01,
}
SPEC = spec_of("measure", "text", SETTINGS)


def dataset(tmp_path, size, replicas):
    corpus, output = tmp_path / "corpus.safetensors", tmp_path / f"{size}.safetensors"
    case.write_corpus(corpus)
    cell = case.CELL | {"replicas": replicas}
    settings = {"training_size": size, "validation_size": 8, "cell": cell}
    make_dataset(spec_of("dataset", "text", settings), data, [corpus], output)
    blocks = read_tensors(corpus, "corpus").tensors
    strings = map_dataset(output, [corpus]).strings
    return {name: part[:] for name, part in strings.items()}, blocks


def rows_of(blocks):
    return [tuple(row) for row in blocks.tolist()]


def test_online_all_training_blocks_are_read_in_an_order_of_the_data_seed(tmp_path):
    found, corpus = dataset(tmp_path, None, [[None, 0, 0], [None, 1, 0], [None, 1, 5]])
    assert found["training"].shape == (3, 64, case.CONTEXT)
    orders = [rows_of(part) for part in found["training"]]
    assert all(sorted(order) == sorted(rows_of(corpus["training"])) for order in orders)
    assert orders[0] != orders[1] == orders[2]


def test_training_sets_are_nested_and_validation_blocks_common(tmp_path):
    small, corpus = dataset(tmp_path, 10, [[None, 3, 0]])
    large, _ = dataset(tmp_path, 30, [[None, 3, 0]])
    assert np.array_equal(small["training"][0], large["training"][0, :10])
    other, _ = dataset(tmp_path, 11, [[None, 4, 0]])
    assert np.array_equal(small["validation"], other["validation"])
    assert set(rows_of(small["validation"][0])) <= set(rows_of(corpus["validation"]))


def test_more_blocks_than_there_are_is_an_error_with_both_numbers(tmp_path):
    with pytest.raises(PipelineError, match="dataset_sizes: 65 exceeds the 64 training blocks"):
        dataset(tmp_path, 65, [[None, 0, 0]])


def write_chain(path, documents=200, length=150, symbols=4):
    """Documents of a sticky chain, and an end-of-document token after each."""
    draws = uniforms(7, np.arange(documents)[:, None], np.arange(length))
    jumps = uniforms(8, np.arange(documents)[:, None], np.arange(length)) < 0.15
    jumps[:, 0] = True
    place = np.maximum.accumulate(np.where(jumps, np.arange(length), 0), axis=1)
    tokens = (np.take_along_axis(draws, place, axis=1) * symbols).astype(np.uint16)
    ended = np.concatenate([tokens, np.full((documents, 1), symbols, np.uint16)], axis=1)
    blocks = ended.ravel()[: ended.size // 24 * 24].reshape(-1, 24)
    facts = {"vocabulary_size": symbols + 1, "end_of_document": symbols}
    stamp = make_stamp("corpus", BARE, {}) | {"corpus": facts}
    write_tensors(path, {"validation": blocks, "training": blocks}, stamp)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    path = tmp_path_factory.mktemp("chain") / "corpus.safetensors"
    write_chain(path)
    return path


def test_every_observable_has_one_row_per_distance(chain):
    (truth,) = load_sources([chain], SPEC.settings)
    generated = {"tokens": truth.control[:128]}
    rows = pd.DataFrame(observe(truth, generated, {}, SPEC.settings))
    counts = rows.groupby("quantity").size()
    assert counts["squared_correlation"] == counts["correlation_ratio"] == 4
    assert (counts.drop(["squared_correlation", "correlation_ratio"]) == 1).all()
    assert {"equivalent_block_length", "unigram_entropy", "distinct_2"} <= set(counts.index)


def test_real_text_is_counted_once_for_all_samples_of_a_job(chain, tmp_path, monkeypatch):
    """What is counted of samples grows with their number, what is counted of real text does not."""
    counted = []

    def count(tokens, *arguments, of=DistanceCounts.of):
        counted.append(len(tokens))
        return of(tokens, *arguments)

    monkeypatch.setattr(DistanceCounts, "of", count)
    outputs = [tmp_path / f"{name}.safetensors" for name in ("real", 1, 2)]
    sizes = {"samples": 100, "setting": "chain_context24", "block_lengths": [1, 2]}
    sizes["reference_sequences"] = SETTINGS["reference_sequences"]
    make_controls(spec_of("controls", "text", sizes), controls, chain, outputs)
    measure(SPEC, text_measure, [chain], None, outputs, tmp_path / "calibration.parquet")
    distances, measured = len(SETTINGS["distances"]), ("squared_correlation", "correlation_ratio")
    assert counted.count(100) == len(outputs) * len(measured) * distances
    assert len(counted) - counted.count(100) == len(("real", "direction")) * distances


def test_controls_of_blocks_have_the_length_of_their_blocks(chain, tmp_path):
    outputs = [tmp_path / f"{name}.safetensors" for name in ("real", 1, 2, 4)]
    sizes = {"samples": 256, "setting": "chain_context24", "block_lengths": [1, 2, 4]}
    sizes["reference_sequences"] = SETTINGS["reference_sequences"]
    make_controls(spec_of("controls", "text", sizes), controls, chain, outputs)
    output = tmp_path / "calibration.parquet"
    measure(SPEC, text_measure, [chain], None, outputs, output)
    table = tables.read_table(output, "calibration")
    assert set(table["control"]) == {"real", "blocks"}
    lengths = table[table["quantity"] == "equivalent_block_length"].set_index("block_length")
    for length in (1, 2, 4):
        row = lengths.loc[length]
        assert row["low"] - 0.2 <= length <= row["high"] + 0.2
    real = lengths.loc[lengths.index.isna()].iloc[0]
    assert real["status"] == "at least"
    assert real["estimate"] > 4
    for path in outputs:
        artifact = read_tensors(path, "samples")
        assert artifact.tensors["tokens"].shape[0] == 1
        assert artifact.stamp["control"]["setting"] == "chain_context24"


@pytest.mark.parametrize("steps", [None, 5])
def test_samples_of_a_checkpoint_do_not_depend_on_how_many_are_drawn(tmp_path, steps):
    trained = spec_of("train", "text", case.TRAIN)
    network = model.build_network(trained.settings)
    tensors = {name: weight.detach().numpy() for name, weight in network.named_parameters()}
    averages = {f"average0.9/{name}": 2 * tensor for name, tensor in tensors.items()}
    stamp = make_stamp("checkpoint", trained, {}) | {"step": 3}
    checkpoint = tmp_path / "step3.safetensors"
    write_tensors(checkpoint, tensors | averages, stamp)
    found = {}
    cases = [("few", 128, [None]), ("many", 200, [None]), ("both", 128, [0.9, None])]
    for name, count, averaged in cases:
        settings = {"samples": count, "averages": averaged, "seed": 1, "steps": steps}
        output = tmp_path / name / "step3.safetensors"
        spec = spec_of("sample", "text", settings)
        sample(spec, model, sampler, [checkpoint], [output])
        found[name] = read_tensors(output, "samples").tensors["tokens"]
    assert found["many"].shape == (1, 200, case.CONTEXT)
    assert found["many"].max() < case.SYMBOLS
    assert np.array_equal(found["few"], found["many"][:, :128])
