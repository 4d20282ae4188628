"""The spec of a job: everything, beside its input files, that its outputs depend on."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.base.canonical import canonical_json
from pipeline.base.choices import hold_to
from pipeline.base.errors import PipelineError
from pipeline.base.section import NoSettings, Section
from pipeline.base.spec import Spec
from pipeline.stages.catalogue import STAGES
from pipeline.stages.figures import FIGURES
from pipeline.stages.parts import figure_module, load_definition, part_module
from pipeline.stages.provenance import Code, named_choices, reachable_code


def make_spec(stage: str, domain: str, settings: Section, carried: Section | None = None) -> str:
    """Canonical JSON of a job's stage, domain, settings, and of the code that these reach.

    Args:
        stage: name of a stage, or of a figure.
        domain: name of the domain.
        settings: of the stage.
        carried: settings of the stage that `Stage.carried` names; without them, what they choose
            from counts in full.
    """
    entries, plain = _entries(stage, domain), settings.plain()
    code = reachable_code(entries, named_choices(entries, (carried or NoSettings()).plain(), plain))
    spec = {"stage": stage, "domain": domain, "settings": plain, "code": code.fingerprint}
    return canonical_json(spec | {"choices": code.choices})


def read_spec(text: str) -> Spec[Any]:
    """Parse a spec and make sure that the code has not changed since it was written.

    Its settings are of the class that the record of the stage, or of the figure, names.

    Raises:
        PipelineError: sources were edited after the workflow had been planned.
    """
    spec = json.loads(text)
    planned_by_older_code = "choices" not in spec
    if planned_by_older_code or code_of(spec).fingerprint != spec["code"]:
        raise PipelineError(
            f"{spec['stage']}: sources changed after the workflow was planned; run snakemake again"
        )
    kind = load_definition(_settings_of(spec["stage"], spec["domain"]))
    settings = kind.model_validate_json(canonical_json(spec["settings"]))
    return Spec(spec["stage"], spec["domain"], settings, spec)


def start_job(text: str) -> Spec[Any]:
    """Read the spec of the job of this process, which may then choose as it was planned to.

    Raises:
        PipelineError: sources were edited after the workflow had been planned.
    """
    spec = read_spec(text)
    hold_to(spec.plain["choices"])
    return spec


def code_of(spec: Mapping[str, Any]) -> Code:
    """The code that a job of this spec can reach, as the sources are now."""
    return reachable_code(_entries(spec["stage"], spec["domain"]), spec["choices"])


def _settings_of(stage: str, domain: str) -> str:
    """Name of the class of a stage's settings, or of a figure's."""
    return STAGES[stage].settings_of(domain) if stage in STAGES else FIGURES[stage].settings


def _entries(stage: str, domain: str) -> tuple[str, ...]:
    settings = _settings_of(stage, domain)
    if stage not in STAGES:
        return (STAGES["figure"].function, figure_module(stage), settings)
    record = STAGES[stage]
    parts = (part_module(domain, part) for part in record.parts.values())
    return (record.function, *parts, settings)
