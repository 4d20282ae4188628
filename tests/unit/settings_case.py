"""Specs and settings of jobs out of what their JSON would be."""

import json
from typing import Any

from pydantic import TypeAdapter

from pipeline.base.section import NoSettings
from pipeline.base.spec import Spec
from pipeline.stages.catalogue import STAGES
from pipeline.stages.parts import load_definition

BARE = Spec("", "", NoSettings(), {})
"""The spec of what is made for a test that does not look at it."""


def section_of(kind: Any, values: dict, **beyond: object) -> Any:
    """A section of a class, or of one of several; `beyond` are values that no config may have."""
    section = TypeAdapter(kind).validate_json(json.dumps(values))
    return section.model_copy(update=beyond) if beyond else section


def spec_of(stage: str, domain: str, values: dict, **beyond: object) -> Spec:
    """Spec of a job, whose settings are of the class that its stage has for them."""
    kind = load_definition(STAGES[stage].settings_of(domain))
    settings = section_of(kind, values, **beyond)
    plain = {"stage": stage, "domain": domain, "settings": settings.plain(), "code": "test"}
    return Spec(stage, domain, settings, plain)


def settings_of(stage: str, domain: str, values: dict, **beyond: object) -> Any:
    """Settings of a job alone."""
    return spec_of(stage, domain, values, **beyond).settings
