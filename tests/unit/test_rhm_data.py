"""Replicas of a cell are independent of each other."""

import itertools

import numpy as np

from pipeline.domains.rhm import data
from pipeline.grammar.parsing import choices_of, parse
from pipeline.grammar.rules import load_grammar, make_grammar

SETTING = {"v": 4, "m": 2, "s": 2, "L": 3}
REPLICAS = [[0, 0], [1, 0], [0, 1]]


def build(tmp_path):
    sources = []
    for index, (grammar_seed, _) in enumerate(REPLICAS):
        sources.append(tmp_path / f"grammar{index}.safetensors")
        make_grammar({"settings": {**SETTING, "seed": grammar_seed}}, sources[-1])
    cell = {"setting": SETTING, "dataset_size": "100", "replicas": REPLICAS}
    settings = {"validation_size": 10, "test_size": 10, "training_size": 100, "cell": cell}
    return data.build(settings, sources)[0], [load_grammar(path)[0] for path in sources]


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
