"""Sections of the config, as settings that stages receive and stamps repeat."""

import pytest

from pipeline.artifacts.tensors import read_tensors, write_tensors
from pipeline.artifacts.upstream import settings_in
from pipeline.base.errors import PipelineError
from pipeline.base.section import Section
from pipeline.config.schema import Config
from pipeline.rhm.settings import GrammarParameters, GrammarSetting, TrainSettings
from pipeline.stages.catalogue import STAGES
from pipeline.stages.domains import EVERY_DOMAIN
from pipeline.stages.figures import FIGURES
from pipeline.stages.parts import load_definition
from tests.unit.training_case import train_spec

GRAMMAR = GrammarSetting(v=4, m=2, s=2, L=2, dataset_sizes=[8, "online"])


def test_a_section_is_taken_out_of_one_that_has_more_keys():
    assert GrammarParameters.of(GRAMMAR) == GrammarParameters(v=4, m=2, s=2, L=2)
    assert GrammarParameters.of(GRAMMAR, m=3).m == 3
    back = GrammarSetting.of(GrammarParameters.of(GRAMMAR), dataset_sizes=[8, "online"])
    assert back == GRAMMAR


def test_every_stage_and_figure_has_a_class_for_its_settings():
    for stage in filter(lambda stage: stage.settings, STAGES.values()):
        domains = {name for rule in stage.rules for name in rule.domains}
        for domain in domains or EVERY_DOMAIN[:1]:
            assert issubclass(load_definition(stage.settings_of(domain)), Section)
    assert all(issubclass(load_definition(f.settings), Section) for f in FIGURES.values())


def test_settings_that_a_stamp_repeats_are_those_that_were_written(tmp_path):
    spec = train_spec([[0, 1, 2], [1, 1, 2]])
    write_tensors(tmp_path / "weights", {}, {"kind": "checkpoint", "spec": spec.plain})
    stamp = read_tensors(tmp_path / "weights", "checkpoint").stamp
    assert settings_in(stamp["spec"], tmp_path / "weights", TrainSettings) == spec.settings


@pytest.mark.parametrize("change", [{"levels": 20}, {"noise_levels": None}])
def test_settings_of_older_code_are_told_with_the_file_and_the_remedy(tmp_path, change):
    spec = train_spec([[0, 0, 0]]).plain
    noise = {k: v for k, v in (spec["settings"]["noise"] | change).items() if v is not None}
    older = {**spec, "settings": {**spec["settings"], "noise": noise}}
    with pytest.raises(PipelineError) as error:
        settings_in(older, tmp_path / "step8.safetensors", TrainSettings)
    path = tmp_path / "step8.safetensors"
    (key,) = change
    assert str(error.value).startswith(
        f"{path} was made with settings of stage train that this code has not (noise.{key}); "
        f"rebuild it with: snakemake {path} --forcerun"
    )
    assert "\n" not in str(error.value)


def _sections(cls=Section):
    yield cls
    for inner in cls.__subclasses__():
        yield from _sections(inner)


def test_of_several_bases_a_key_is_declared_as_python_resolves_it():
    assert issubclass(Config, Section)  # the module of which declares all of them
    for section in set(_sections()):
        for key, field in section.model_fields.items():
            owner = next(c for c in section.__mro__ if key in c.__dict__.get("__annotations__", {}))
            declared = owner.model_fields[key]
            assert field.annotation == declared.annotation, f"{section}.{key} is not {owner}'s"
            assert field.metadata == declared.metadata, f"{section}.{key} is not {owner}'s"
