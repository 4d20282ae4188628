"""The spec of a job: everything, beside its input files, that its outputs depend on."""

import json
from typing import Any

from pipeline.domains.load import part_module
from pipeline.errors import PipelineError
from pipeline.provenance import canonical_json, code_fingerprint

STAGES = {
    "grammar": ("pipeline.grammar.rules", None),
    "dataset": ("pipeline.datasets.build", "data"),
    "train": ("pipeline.training.train", "model"),
    "sample": ("pipeline.sampling.generate", "sampler"),
    "measure": ("pipeline.measurement.measure", "measure"),
    "trees": ("pipeline.measurement.measure", "trees"),
    "probe": ("pipeline.probing.probe", "probe"),
    "ceiling": ("pipeline.domains.rhm.ceiling", None),
    "theory": ("pipeline.theory.tabulate", None),
    "corpus": ("pipeline.corpora.build", None),
    "images": ("pipeline.images.build", None),
    "controls": ("pipeline.measurement.controls", "controls"),
    "encode": ("pipeline.encoding.encode", None),
    "encode_training": ("pipeline.encoding.encode", None),
    "pictures": ("pipeline.images.pictures", None),
    "decode": ("pipeline.judging.texts", None),
    "judge": ("pipeline.judging.judge", None),
    "aggregate": ("pipeline.aggregation.aggregate", None),
    "concatenate": ("pipeline.aggregation.concatenate", None),
    "analyse": ("pipeline.analysis.sample_complexity", None),
    "depart": ("pipeline.analysis.departures", None),
    "memorize": ("pipeline.analysis.memorization", None),
    "exponents": ("pipeline.analysis.compare", None),
    "converge": ("pipeline.analysis.convergence", None),
    "claims": ("pipeline.claims.decide", None),
    "verdicts": ("pipeline.claims.decide", None),
}
"""For each stage its module, and the domain part it is given."""


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
        return ["pipeline.figures.save", f"pipeline.figures.{stage}"]
    module, part = STAGES[stage]
    return [module] if part is None else [module, part_module(domain, part)]
