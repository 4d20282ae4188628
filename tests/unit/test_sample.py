"""The stage `sample`: what it keeps of an earlier attempt."""

from dataclasses import replace

from pipeline.artifacts.tensors import read_tensors
from pipeline.rhm import model, sampler
from pipeline.sampling import generate
from pipeline.sampling.generate import sample
from tests.unit import training_case
from tests.unit.settings_case import spec_of

REPLICAS = [[0, 0, 0]]
SAMPLING = {"samples": 128, "steps": 4, "spacing": "even", "seed": 0, "averages": [None]}


def test_samples_of_another_lineage_are_drawn_anew(tmp_path, monkeypatch):
    training_case.prepare(tmp_path, REPLICAS)
    training_case.run(tmp_path, training_case.train_spec(REPLICAS), [2])
    checkpoint, output = (tmp_path / f"{kind}/step2.safetensors" for kind in ("checkpoints", "s"))
    drawn, draw = [], generate.sample_network
    monkeypatch.setattr(generate, "sample_network", lambda *a: drawn.append(1) or draw(*a))
    for grammar in "aab":
        lineage = {"rhm/grammar_g0.safetensors": grammar}
        spec = replace(spec_of("sample", "rhm", SAMPLING), lineage=lineage)
        sample(spec, model, sampler, [checkpoint], [output])
        assert read_tensors(output, "samples").stamp["lineage"] == lineage
    assert len(drawn) == 2
