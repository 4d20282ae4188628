"""Replicas of a cell share what their seeds say they share, and nothing else."""

import itertools

import numpy as np

from pipeline.artifacts.tensors import read_tensors
from pipeline.datasets.build import make_dataset
from pipeline.rhm import data, model
from pipeline.rhm.grammar.parsing import choices_of, parse
from pipeline.rhm.grammar.rules import load_grammar, make_grammar
from tests.unit.settings_case import spec_of
from tests.unit.training_case import grammar_spec, train_spec

SETTING = {"v": 4, "m": 2, "s": 2, "L": 3}
REPLICAS = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def build(tmp_path, replicas=REPLICAS):
    sources = []
    for index, (grammar_seed, *_) in enumerate(replicas):
        sources.append(tmp_path / f"grammar{index}.safetensors")
        make_grammar(grammar_spec(SETTING, grammar_seed), sources[-1])
    cell = {"setting": SETTING, "dataset_size": "100", "replicas": replicas}
    settings = {"validation_size": 10, "test_size": 10, "training_size": 100, "cell": cell}
    spec, dataset = spec_of("dataset", "rhm", settings), tmp_path / "dataset.safetensors"
    make_dataset(spec, data, sources, dataset)
    tensors = read_tensors(dataset, "dataset").tensors
    return tensors, [load_grammar(path)[0] for path in sources]


def test_replicas_do_not_share_the_choices_behind_their_strings(tmp_path):
    tensors, grammars = build(tmp_path)
    pairs = zip(grammars, tensors["training"], strict=True)
    choices = [choices_of(parse(grammar, strings)) for grammar, strings in pairs]
    for one, other in itertools.combinations(choices, 2):
        agreement = (one[:, 1:] == other[:, 1:]).mean()
        assert abs(agreement - 1 / SETTING["m"]) < 5 * 0.5 / np.sqrt(one[:, 1:].size)


def test_a_replica_has_the_strings_of_its_own_grammar(tmp_path):
    tensors, grammars = build(tmp_path)
    for grammar, strings in zip(grammars, tensors["training"], strict=True):
        assert parse(grammar, strings).valid(grammar.depth).all()


def test_a_network_seed_changes_the_network_and_a_data_seed_the_strings_too(tmp_path):
    replicas = [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    tensors, _ = build(tmp_path, replicas)
    assert sorted(tensors) == ["test", "training", "validation"]
    for strings in tensors.values():
        assert np.array_equal(strings[0], strings[1])
        assert not np.array_equal(strings[0], strings[2])
    assert len(set(model.replica_keys(train_spec(replicas).settings))) == 3
