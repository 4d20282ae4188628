"""The spec of a job: everything, beside its input files, that its outputs depend on."""

import json
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.stages.catalogue import STAGES
from pipeline.stages.parts import figure_module, part_module
from pipeline.stages.provenance import canonical_json, code_fingerprint


def make_spec(stage: str, domain: str, settings: dict[str, Any]) -> str:
    """Canonical JSON of a job's stage, domain, settings and code fingerprint."""
    code = code_fingerprint(*_modules(stage, domain))
    return canonical_json({"stage": stage, "domain": domain, "settings": settings, "code": code})


def read_spec(text: str) -> dict[str, Any]:
    """Parse a spec and make sure that the code has not changed since it was written.

    Raises:
        PipelineError: sources were edited after the workflow had been planned.
    """
    spec = json.loads(text)
    if code_fingerprint(*_modules(spec["stage"], spec["domain"])) != spec["code"]:
        raise PipelineError(
            f"{spec['stage']}: sources changed after the workflow was planned; run snakemake again"
        )
    return spec


def _modules(stage: str, domain: str) -> list[str]:
    if stage not in STAGES:
        return ["pipeline.figures.save", figure_module(stage)]
    record = STAGES[stage]
    return [record.module, *(part_module(domain, part) for part in record.parts.values())]
